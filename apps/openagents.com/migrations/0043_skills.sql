-- What organisations teach their agents. Published rows never change.
CREATE TABLE control.tool_specs (
  org text NOT NULL,
  tool_id text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  tool_pack text NOT NULL,
  description text NOT NULL,
  -- Canonical JSON.
  input_schema text NOT NULL,
  content_sha256 text NOT NULL,
  registered_by text NOT NULL,
  registered_at_ms bigint NOT NULL,
  PRIMARY KEY (org, tool_id, version)
);

CREATE TABLE control.skill_specs (
  org text NOT NULL,
  skill_id text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  description text NOT NULL,
  instructions text NOT NULL,
  -- Canonical JSON: [{"tool_id", "version"}].
  tools text NOT NULL,
  content_sha256 text NOT NULL,
  written_by text NOT NULL,
  written_at_ms bigint NOT NULL,
  published_at_ms bigint,
  receipt_id text,
  PRIMARY KEY (org, skill_id, version),
  CHECK ((published_at_ms IS NULL) = (receipt_id IS NULL))
);

-- Held by the database, too: the service could not change one by mistake.
CREATE FUNCTION control.refuse_change_of_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.published_at_ms IS NOT NULL THEN
    RAISE EXCEPTION 'a published skill never changes';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER published_skills_stay BEFORE UPDATE OR DELETE ON control.skill_specs
  FOR EACH ROW EXECUTE FUNCTION control.refuse_change_of_published();

GRANT SELECT, INSERT ON control.tool_specs TO :app_role;
GRANT SELECT, INSERT, UPDATE ON control.skill_specs TO :app_role;
