-- Attestations as staff see them, with how far each has got, and what people reported about their proofs.
CREATE VIEW console_attestation AS
    SELECT a.epoch AS id, date '1970-01-01' + a.epoch::int AS "on", a.instant, a.liabilities, a.receivable, a.reserve,
           a.reserve_asof, a.evidence, a.ledger_head, a.depth, a.root, a.software, a.corrects, a.frozen_at, a.built_at,
           c.signed_at, c.digest, c.previous, a.opened_at,
           CASE WHEN a.opened_at IS NOT NULL THEN 'open' WHEN c.position IS NOT NULL THEN 'signed'
                WHEN a.root IS NOT NULL THEN 'built' ELSE 'frozen' END AS state,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('channel', p.channel, 'place', p.place, 'at', p.at) ORDER BY p.id), '[]')
            FROM transparency_publication p WHERE p.entry_id = c.position) AS places,
           (SELECT count(*) FROM transparency_complaint q WHERE q.epoch = a.epoch) AS complaints
    FROM transparency_attestation a
    LEFT JOIN transparency_chainentry c ON c.epoch = a.epoch AND c.kind = 'attestation'
    WHERE (SELECT console_is_staff());

CREATE VIEW console_proofcomplaint AS
    SELECT q.id, date '1970-01-01' + q.epoch::int AS "on", u.public_id AS person_id, p.username::text AS username, q.step, q.expected,
           q.words, q.made_at, q.answered_at
    FROM transparency_complaint q JOIN users_user u ON u.id = q.user_id LEFT JOIN users_profile p ON p.user_id = q.user_id
    WHERE (SELECT console_is_staff());

DO $$
DECLARE
    v text;
BEGIN
    FOREACH v IN ARRAY '{console_attestation,console_proofcomplaint}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
END $$;
