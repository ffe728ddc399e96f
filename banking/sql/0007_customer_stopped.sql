-- Whether a rail has stopped serving a person: the worker asks it and writes it down, staff see it.
GRANT UPDATE (stopped) ON banking_railcustomer TO paya_worker;
GRANT SELECT (id, user_id, rail, stopped, created_at) ON banking_railcustomer TO paya_staff;
CREATE POLICY staff ON banking_railcustomer FOR SELECT TO paya_staff USING ((SELECT core_actor()) IS NOT NULL);
