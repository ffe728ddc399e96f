-- What a person is told at the end of a held load or redemption says how much it was, and the way to have it looked at again is a link to
-- that page.
CREATE OR REPLACE FUNCTION banking_release_held(p_public_id text, p_label text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t banking_banktransfer;
BEGIN
    PERFORM console_acted('held.release', p_public_id, 'Let the held transfer go out.', p_reason);
    t := banking_end_review(p_public_id, 'released');
    PERFORM compliance_close_case_about('held_transfer', t.user_id, t.public_id, 'released', p_label, p_reason);
    PERFORM compliance_tell(t.user_id, 'transfer_released', format('Your %s of %s goes out now', t.kind, compliance_dollars(t.amount)),
        'We have looked at it, and it is on its way.', t.public_id);
    RETURN t.review;
END $$;

CREATE OR REPLACE FUNCTION banking_deny_held(p_public_id text, p_label text, p_told text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t banking_banktransfer;
BEGIN
    PERFORM console_acted('held.deny', p_public_id, 'Sent the held transfer back.', p_reason);
    t := banking_end_review(p_public_id, 'refused');
    PERFORM compliance_close_case_about('held_transfer', t.user_id, t.public_id, 'denied', p_label, p_reason);
    PERFORM compliance_tell(t.user_id, 'transfer_denied', format('We did not let your %s of %s go out', t.kind, compliance_dollars(t.amount)),
        format(E'%s\n\n%s If you think that this is wrong, ask us to look again: /appeal?about=%s. Somebody else of our staff looks at it then.', p_told,
            CASE t.kind WHEN 'load' THEN 'Nothing was taken from your bank.' ELSE 'The money is back in your balance in a moment.' END,
            t.public_id), t.public_id);
    RETURN t.review;
END $$;
