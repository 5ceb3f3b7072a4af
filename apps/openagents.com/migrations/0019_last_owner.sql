-- An organisation has an owner at all times, by whichever way members change:
-- our commands look first, and the identity's library looks before it writes,
-- which two owners who leave at once would get past.

CREATE FUNCTION auth.keep_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- One after the other; an organisation that is deleted itself needs no owner.
  PERFORM FROM auth."organization" WHERE "id" = OLD."organizationId" FOR UPDATE;
  IF FOUND AND NOT EXISTS (
    SELECT FROM auth."member"
     WHERE "organizationId" = OLD."organizationId" AND "role" ~ '(^|,) *owner *(,|$)'
  ) THEN
    RAISE EXCEPTION 'the last owner of an organisation stays' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER member_keep_owner AFTER UPDATE OF "role" OR DELETE ON auth."member"
  FOR EACH ROW WHEN (OLD."role" ~ '(^|,) *owner *(,|$)') EXECUTE FUNCTION auth.keep_owner();
