-- As before, and what staff wrote to the person or about them goes, too (compliance/sql/0008_erased_words.sql): why they were frozen, what a
-- refusal said, notes, and the words of cases. What was decided, when and by whom stays.
CREATE OR REPLACE FUNCTION privacy_erase(p_user bigint, p_name_index bytea, p_closed_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    phone bytea;
BEGIN
    IF core_actor() <> 0 OR NOT EXISTS (SELECT FROM privacy_closing WHERE user_id = p_user AND state = 'closed') THEN
        RAISE EXCEPTION 'only a closed account is erased' USING ERRCODE = 'PY124';
    END IF;
    SELECT phone_index INTO phone FROM users_user WHERE id = p_user;
    DELETE FROM users_challenge WHERE phone_index = phone;
    DELETE FROM users_refreshtoken WHERE user_id = p_user;
    UPDATE users_device SET name = 'Erased', user_agent = '', network = '', revoked_at = coalesce(revoked_at, core_now())
        WHERE user_id = p_user;
    INSERT INTO users_formername (name_index) SELECT p_name_index WHERE p_name_index IS NOT NULL ON CONFLICT DO NOTHING;
    UPDATE users_profile SET username = p_closed_name, display_name = 'Closed account'
        WHERE user_id = p_user AND username NOT LIKE 'closed\_%';
    UPDATE users_user SET phone_index = NULL, phone_cipher = NULL, is_active = false, default_visibility = NULL,
        erased_at = core_now() WHERE id = p_user;
    UPDATE wallets_wallet SET frozen_reason = 'This account is closed.' WHERE user_id = p_user;

    UPDATE payments_payment SET note = '' WHERE payer_id = p_user AND note <> '';
    UPDATE payments_feeditem SET note = '' WHERE payer_id = p_user AND note <> '';

    DELETE FROM banking_linksession WHERE user_id = p_user;
    DELETE FROM banking_banksource WHERE user_id = p_user;
    DELETE FROM banking_railcustomer WHERE user_id = p_user;
    DELETE FROM banking_bankidentity WHERE user_id = p_user;
    DELETE FROM banking_identitycheck WHERE user_id = p_user;
    UPDATE banking_bankaccount SET name = '', mask = '', account_id = '', funding_source = NULL, source_index = NULL,
        numbers_index = CASE WHEN blocked_by <> '' THEN numbers_index END WHERE user_id = p_user;
    UPDATE banking_bankitem SET access_token = NULL, item_id = NULL, institution_id = '', institution = '', token_index = int8send(id)
        WHERE user_id = p_user;

    UPDATE rewards_appeal SET message = 'Erased', answer = CASE WHEN answer IS NOT NULL THEN 'Erased' END WHERE user_id = p_user;
    UPDATE transparency_complaint SET words = '' WHERE user_id = p_user;
    PERFORM set_config('paya.erasing', p_user::text, true);
    UPDATE compliance_ticket SET subject = compliance_erased_words() WHERE user_id = p_user;
    UPDATE compliance_ticketmessage SET body = compliance_erased_words() WHERE user_id = p_user;
    UPDATE compliance_appeal SET message = compliance_erased_words(), answer = CASE WHEN answer IS NOT NULL THEN compliance_erased_words() END
        WHERE user_id = p_user;
    UPDATE compliance_dispute SET message = compliance_erased_words(), result = CASE WHEN result IS NOT NULL THEN compliance_erased_words() END
        WHERE user_id = p_user;
    UPDATE compliance_freeze SET reason = compliance_erased_words() WHERE user_id = p_user;
    UPDATE compliance_withdrawal SET told = compliance_erased_words() WHERE user_id = p_user AND told <> '';
    UPDATE compliance_document SET words = compliance_erased_words() WHERE user_id = p_user AND words <> '';
    UPDATE compliance_case SET detail = detail - 'reason' WHERE user_id = p_user AND detail ? 'reason';
    UPDATE compliance_case SET summary = compliance_erased_words(), result = CASE WHEN result IS NOT NULL THEN compliance_erased_words() END
        WHERE user_id = p_user;
    UPDATE compliance_verdict SET result = compliance_erased_words() WHERE user_id = p_user;
    UPDATE compliance_sanctionshit SET name = compliance_erased_words() WHERE user_id = p_user AND name <> '';
    DELETE FROM compliance_casenote WHERE user_id = p_user;
    DELETE FROM compliance_personnote WHERE user_id = p_user;
    PERFORM set_config('paya.erasing', '', true);
    UPDATE privacy_closing SET frozen_reason = '' WHERE user_id = p_user;
    DELETE FROM compliance_letter WHERE user_id = p_user;
    DELETE FROM privacy_export WHERE user_id = p_user;
END $$;
