-- ruleid: actor-set-for-the-session-in-sql
SELECT set_config('paya.actor', '7', false);
-- ruleid: actor-set-for-the-session-in-sql
SET SESSION paya.actor = '7';
-- ok: actor-set-for-the-session-in-sql
SELECT set_config('paya.actor', '7', true);
