-- Our bank's drop is watched as vendors are.
CREATE OR REPLACE VIEW console_vendor AS
    SELECT v.name FROM (VALUES ('dwolla'), ('plaid'), ('stripe'), ('twilio'), ('sns'), ('odfi')) v (name)
    WHERE (SELECT console_is_staff());
