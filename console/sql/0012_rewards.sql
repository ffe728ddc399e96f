-- Weekly rewards as staff see them. A list of a million people is looked at by its key, (run, person): hence the joins by it.
CREATE VIEW console_rewardrun AS
    SELECT u.week AS id, u.id AS number, u.starts_on, u.state, u.held, u.closed_at, u.distribute_at, u.distributed_at, u.revenue, u.costs,
           u.carried_in, u.net, u.operations, u.to_pool, u.was_there, u.pool, u.payers, u.active, u.rewards, u.stays, u.carried_out,
           u.outliers, u.digest, u.reference, u.setting_id,
           (SELECT coalesce(sum(r.amount), 0)::bigint FROM rewards_reward r
            WHERE r.run_id = u.id AND r.owed_since IS NOT NULL AND r.settled_at IS NULL) AS owed
    FROM rewards_run u WHERE u.digest IS NOT NULL AND (SELECT console_is_staff());

CREATE VIEW console_reward AS
    SELECT u.week || ':' || p.public_id AS id, u.id AS run, u.week, r.user_id, p.public_id::text AS person_id, f.username::text, r.amount,
           r.reason, r.payments, r.counted, CASE
               WHEN r.amount = 0 THEN 'nothing' WHEN r.reversed_at IS NOT NULL THEN 'reversed'
               WHEN r.owed_since IS NOT NULL AND r.settled_at IS NULL THEN 'owed'
               WHEN r.user_id <= u.posted_through THEN 'paid' ELSE 'listed' END AS status,
           rewards_reference(u.reference, r.user_id) AS transfer
    FROM rewards_reward r JOIN rewards_run u ON u.id = r.run_id JOIN users_user p ON p.id = r.user_id
    LEFT JOIN users_profile f ON f.user_id = r.user_id WHERE (SELECT console_is_staff());

CREATE VIEW console_ineligible AS
    SELECT i.id, i.user_id, p.public_id::text AS person_id, f.username::text, i.since, i.until, i.reason, console_email(i.marked_by_id) AS staff,
           i.created_at, i.lifted_at
    FROM rewards_ineligibility i JOIN users_user p ON p.id = i.user_id LEFT JOIN users_profile f ON f.user_id = i.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_appeal AS
    SELECT a.public_id AS id, a.id AS number, a.user_id, p.public_id::text AS person_id, f.username::text, a.week, a.message, a.created_at,
           a.answer, a.answered_at, console_email(a.answered_by_id) AS staff
    FROM rewards_appeal a JOIN users_user p ON p.id = a.user_id LEFT JOIN users_profile f ON f.user_id = a.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_rewardsetting AS
    SELECT s.id, s.in_force_from, s.operations_share, s.min_age_days, s.path_length, s.circle_hours, s.review_hours, s.strategy, s.reason,
           console_email(s.chosen_by_id) AS staff, s.created_at
    FROM rewards_setting s WHERE (SELECT console_is_staff());

DO $$
DECLARE
    v text;
BEGIN
    FOREACH v IN ARRAY '{console_rewardrun,console_reward,console_ineligible,console_appeal,console_rewardsetting}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
END $$;
