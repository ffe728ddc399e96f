-- Daily ceilings (banking/sql/0024_adjustments.sql), as staff see them: what holds for each role, what is staged, and what each member has used today.

-- One row for each role and what it may do, whether or not it has a ceiling: without one it may do nothing of it.
CREATE VIEW console_ceiling AS
    SELECT n.role || ':' || n.action AS id, n.role, n.action, i.cents, i.effective_at AS since, console_email(i.set_by_id) AS staff, i.reason,
           s.cents AS next_cents, s.effective_at AS next_at
    FROM (SELECT role, action FROM console_permission WHERE action IN ('correction.ask', 'correction.decide')
          UNION SELECT role, action FROM banking_ceiling) n
    LEFT JOIN LATERAL (SELECT * FROM banking_ceiling c WHERE c.role = n.role AND c.action = n.action AND c.effective_at <= core_now()
                       ORDER BY c.effective_at DESC, c.id DESC LIMIT 1) i ON true
    LEFT JOIN LATERAL (SELECT DISTINCT ON (c.effective_at) c.cents, c.effective_at FROM banking_ceiling c
                       WHERE c.role = n.role AND c.action = n.action AND c.effective_at > core_now()
                       ORDER BY c.effective_at, c.id DESC LIMIT 1) s ON true
    WHERE (SELECT console_is_staff());

CREATE VIEW console_ceilinghistory AS
    SELECT c.id, c.role || ':' || c.action AS ceiling_id, c.cents, c.effective_at, console_email(c.set_by_id) AS staff, c.reason
    FROM banking_ceiling c WHERE (SELECT console_is_staff());

-- Each active member of a role, and what they have used today of what they do. Somebody with two roles has the higher ceiling, and one sum.
CREATE FUNCTION console_ceiling_use(p_role text, p_action text) RETURNS TABLE (staff text, used bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT u.email::text, banking_used_today(p_action, u.id) FROM console_staffrole s JOIN users_user u ON u.id = s.user_id
    WHERE s.role = p_role AND u.is_active AND (SELECT console_is_staff()) ORDER BY 2 DESC, 1
$$;

ALTER VIEW console_ceiling OWNER TO paya_engine;
ALTER VIEW console_ceilinghistory OWNER TO paya_engine;
GRANT SELECT ON console_ceiling, console_ceilinghistory TO paya_staff;
ALTER FUNCTION console_ceiling_use(text, text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION console_ceiling_use(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION console_ceiling_use(text, text) TO paya_staff;
