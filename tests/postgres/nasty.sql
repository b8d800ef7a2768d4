-- A schema with everything that is easily lost on the way through a dump. Roles app, boss and
-- reader exist; app owns the database.
SET ROLE app;
SET client_min_messages = warning;

ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO boss WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO boss;

CREATE SCHEMA "Odd Schema";
COMMENT ON SCHEMA "Odd Schema" IS 'it''s odd';
GRANT USAGE ON SCHEMA "Odd Schema" TO reader;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s fine');
CREATE DOMAIN positive AS integer DEFAULT 1 CONSTRAINT above_zero CHECK (VALUE > 0);
COMMENT ON TYPE mood IS 'how one feels';
CREATE TYPE place AS (x integer, y numeric(10, 2));
CREATE TYPE span AS RANGE (subtype = float8);

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- COMMIT; is only a word here
  NEW.note := coalesce(NEW.note, 'touched'); RETURN NEW;
END $$;
CREATE FUNCTION plus(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION "We(ird"() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
BEGIN NULL; /*
SET lock_timeout = 0;
\restrict not_for_psql
*/ END $$;
CREATE AGGREGATE total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
GRANT EXECUTE ON FUNCTION plus(integer, integer) TO reader;

CREATE TABLE clients (
  id integer GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5),
  name varchar(200) COLLATE "C" NOT NULL,
  mood mood DEFAULT 'ok',
  weight positive,
  home place,
  times span,
  twice integer GENERATED ALWAYS AS (100 * 2) STORED,
  note text,
  raw bytea,
  tags text[],
  doc jsonb,
  big text,
  gone integer,
  CONSTRAINT clients_pkey PRIMARY KEY (id) INCLUDE (name) WITH (fillfactor = 70),
  CONSTRAINT clients_name_key UNIQUE NULLS NOT DISTINCT (name, note) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT clients_check CHECK (length(name) > 0) NO INHERIT
) WITH (fillfactor = 50, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE clients DROP COLUMN gone;
ALTER TABLE clients ALTER big SET STORAGE EXTERNAL, ALTER big SET COMPRESSION pglz, ALTER note SET STATISTICS 77, ALTER weight SET (n_distinct = 5);
COMMENT ON TABLE clients IS 'people; with ''quotes'' and
lines';
COMMENT ON COLUMN clients.name IS 'a name';
COMMENT ON CONSTRAINT clients_check ON clients IS 'never empty';
CREATE INDEX clients_lower ON clients (lower(name) DESC NULLS LAST, note text_pattern_ops) WHERE note IS NOT NULL;
COMMENT ON INDEX clients_lower IS 'for searching';
CREATE UNIQUE INDEX clients_replica ON clients (id);
ALTER TABLE clients REPLICA IDENTITY USING INDEX clients_replica;
CLUSTER clients USING clients_replica;
ALTER INDEX clients_lower ALTER COLUMN 1 SET STATISTICS 33;
CREATE STATISTICS clients_stats (dependencies, ndistinct) ON name, note FROM clients;
ALTER STATISTICS clients_stats SET STATISTICS 5;
COMMENT ON STATISTICS clients_stats IS 'they go together';
CREATE TRIGGER clients_touch BEFORE UPDATE OF name ON clients FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION touch();
CREATE TRIGGER clients_off BEFORE INSERT ON clients FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER clients_replica BEFORE INSERT ON clients FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER clients_always AFTER INSERT ON clients FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE clients DISABLE TRIGGER clients_off;
ALTER TABLE clients ENABLE REPLICA TRIGGER clients_replica;
ALTER TABLE clients ENABLE ALWAYS TRIGGER clients_always;
COMMENT ON TRIGGER clients_touch ON clients IS 'touches';
CREATE RULE clients_quiet AS ON DELETE TO clients DO ALSO (SELECT 1; SELECT 2);
ALTER TABLE clients DISABLE RULE clients_quiet;
COMMENT ON RULE clients_quiet ON clients IS 'quiet';
ALTER TABLE clients ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON clients AS RESTRICTIVE FOR UPDATE TO reader, boss USING (name = current_user) WITH CHECK (true);
CREATE POLICY everybody ON clients USING (true);
COMMENT ON POLICY everybody ON clients IS 'all';
REVOKE INSERT ON clients FROM app;
GRANT SELECT (name), UPDATE (note) ON clients TO reader;
GRANT UPDATE ON clients TO boss WITH GRANT OPTION;

CREATE TABLE orders (
  id serial PRIMARY KEY,
  client integer,
  placed timestamptz DEFAULT now(),
  during tsrange,
  CONSTRAINT orders_during EXCLUDE USING gist (during WITH &&) WHERE (client IS NOT NULL)
);
ALTER TABLE orders ADD CONSTRAINT orders_client_fk FOREIGN KEY (client) REFERENCES clients (id)
  MATCH FULL ON DELETE SET NULL (client) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;
COMMENT ON CONSTRAINT orders_client_fk ON orders IS 'who ordered';
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
ALTER TABLE orders REPLICA IDENTITY FULL;
CREATE POLICY by_client ON orders USING (EXISTS (SELECT FROM clients c WHERE c.id = client));
CREATE RULE orders_see AS ON UPDATE TO orders DO ALSO SELECT count(*) FROM clients;
CREATE CONSTRAINT TRIGGER orders_late AFTER INSERT ON orders FROM clients DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION touch();

CREATE UNLOGGED TABLE "My ""Table""; drop" (
  "a""b" text, "Ünï.*?$" text DEFAULT E'it''s\n\\', "select" integer
);
COMMENT ON COLUMN "My ""Table""; drop"."a""b" IS 'quotes';
CREATE TABLE "new
line" ("x
y" text);
CREATE TABLE "Dot.ted" (a integer PRIMARY KEY);
CREATE TABLE "Tä*?[x]|$(y)" (a integer);
CREATE TABLE "Täb" (decoy integer);
CREATE TABLE nothing_in_it ();
CREATE TABLE "Odd Schema"."test" (id bigserial, v integer DEFAULT plus(1, 2), w integer GENERATED ALWAYS AS (plus(1, 1)) STORED,
  CHECK (plus(1, 1) = 2));
ALTER SEQUENCE "Odd Schema".test_id_seq MAXVALUE 1000 CYCLE CACHE 3;
CREATE SEQUENCE alone AS smallint INCREMENT -2 MINVALUE -50 MAXVALUE 50 START 10;
COMMENT ON SEQUENCE alone IS 'alone';
CREATE SEQUENCE "Odd Schema".far_away;
CREATE TABLE borrower (a integer DEFAULT nextval('alone'), b integer DEFAULT nextval('orders_id_seq'), c clients, d orders[]);
ALTER SEQUENCE "Odd Schema".far_away OWNED BY NONE;

CREATE TABLE parent (p integer, q text);
CREATE TABLE child (r integer) INHERITS (parent);
CREATE TABLE parted (k integer, v text) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
CREATE INDEX parted_k ON parted (k);
CREATE TABLE typed OF place;

CREATE VIEW names WITH (security_barrier) AS SELECT id, name, mood, plus(id) AS next FROM clients WHERE weight > 0;
ALTER VIEW names ALTER COLUMN name SET DEFAULT 'nobody';
COMMENT ON VIEW names IS 'only names';
COMMENT ON COLUMN names.name IS 'the name';
GRANT SELECT ON names TO boss;
CREATE TRIGGER names_insert INSTEAD OF INSERT ON names FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW more_names AS SELECT * FROM names WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW totals AS SELECT client, count(*) AS n FROM orders GROUP BY client;
CREATE UNIQUE INDEX totals_client ON totals (client);
COMMENT ON MATERIALIZED VIEW totals IS 'sums';
CREATE MATERIALIZED VIEW empty_totals AS SELECT * FROM totals WITH NO DATA;
CREATE VIEW grouped AS SELECT o.id, o.placed FROM orders o GROUP BY o.id;

CREATE FUNCTION of_client(c clients) RETURNS text LANGUAGE sql AS 'SELECT c.name';
CREATE FUNCTION all_orders() RETURNS SETOF orders LANGUAGE sql AS 'SELECT * FROM orders';
CREATE FUNCTION newest() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT max(id) FROM orders; SELECT 1; END;
CREATE DOMAIN some_orders AS orders[];
CREATE TYPE pair AS (one clients, two "Dot.ted");

CREATE PUBLICATION news FOR TABLE clients (id, name) WHERE (id > 3), TABLE "Dot.ted";
COMMENT ON PUBLICATION news IS 'the news';

RESET ROLE;
SET session_replication_role = replica;
INSERT INTO clients (name, mood, weight, home, times, note, raw, tags, doc, big) VALUES
  ('plain', 'sad', 3, (1, 2.5), '[1.5,2)', NULL, '\x00ff', '{a,"b c",NULL}', '{"a": [1, null]}', repeat('x', 5000)),
  (E'tab\tback\\slash\nline', NULL, NULL, NULL, 'empty', '', '', '{}', 'null', '\.'),
  ('Ünï', 'it''s fine', 1, NULL, NULL, E'\\N', NULL, NULL, NULL, NULL);
INSERT INTO orders (client, placed, during) VALUES (100, 'infinity', '[2020-01-01,2020-02-01)'), (NULL, NULL, NULL), (999, '-infinity', NULL);
INSERT INTO "My ""Table""; drop" VALUES ('one', DEFAULT, 1), (E'\\.', 'two', NULL), ('one', DEFAULT, 1);
INSERT INTO "new
line" VALUES ('a');
INSERT INTO "Dot.ted" SELECT generate_series(1, 1000);
INSERT INTO "Tä*?[x]|$(y)" VALUES (1), (2);
INSERT INTO nothing_in_it DEFAULT VALUES;
INSERT INTO "Odd Schema".test (v) VALUES (5), (6);
INSERT INTO parent VALUES (1, 'p');
INSERT INTO child VALUES (2, 'c', 3);
INSERT INTO parted VALUES (1, 'one'), (100, 'many');
INSERT INTO typed VALUES (1, 2);
SELECT setval('alone', 4, false), setval('orders_id_seq', 77), nextval('clients_id_seq');
REFRESH MATERIALIZED VIEW totals;
SET ROLE app;
SELECT lo_from_bytea(424242, '\x0001027f5c0a');
COMMENT ON LARGE OBJECT 424242 IS 'large';
GRANT SELECT ON LARGE OBJECT 424242 TO reader;
