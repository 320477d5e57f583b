-- A database as earlier triggers of captureTable left it after a statement that kept rows and failed (OR FAIL): whatever
-- is written with SQL since belongs to the transaction at offset 1, with those of a repository (2 and 5) in between.
CREATE TABLE Item (
  id TEXT PRIMARY KEY,
  slug TEXT UNIQUE,
  parent TEXT REFERENCES Item (id) ON DELETE CASCADE ON UPDATE CASCADE,
  title TEXT, rank REAL, done INTEGER, data TEXT, size TEXT, due TEXT,
  version INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE dnr_change_log (
    "offset" INTEGER PRIMARY KEY,
    transaction_offset INTEGER NOT NULL,
    entity TEXT NOT NULL,
    row_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    version INTEGER NOT NULL,
    "before" TEXT,
    "after" TEXT,
    mutation_id TEXT,
    actor TEXT,
    at INTEGER NOT NULL
  ) STRICT;
CREATE TABLE dnr_log_epochs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL UNIQUE,
    first_offset INTEGER NOT NULL,
    opened_at INTEGER NOT NULL
  ) STRICT;
CREATE TABLE dnr_entity_heads (entity TEXT PRIMARY KEY, last_offset INTEGER NOT NULL) STRICT;
CREATE TABLE dnr_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE dnr_log_ages (ran_ms INTEGER PRIMARY KEY, "offset" INTEGER NOT NULL) STRICT;
CREATE TABLE dnr_mutations (
    scope TEXT NOT NULL,
    mutation_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    version INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    at INTEGER NOT NULL,
    answer TEXT,
    PRIMARY KEY (scope, mutation_id)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE dnr_answer_round (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    scope TEXT NOT NULL,
    mutation_id TEXT NOT NULL
  ) STRICT;
CREATE TABLE dnr_tombstones (
    entity TEXT NOT NULL,
    row_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (entity, row_id)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE dnr_captured_tables (
    table_name TEXT PRIMARY KEY,
    entity TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
CREATE TABLE dnr_row_writes (
    entity TEXT NOT NULL,
    row_id TEXT NOT NULL,
    for_id TEXT,
    mark TEXT,
    kept INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    image TEXT,
    PRIMARY KEY (entity, row_id)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE dnr_captured_statements (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    first_offset INTEGER NOT NULL
  ) STRICT;
INSERT INTO "Item" VALUES ('a', 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1);
INSERT INTO "Item" VALUES ('own', NULL, NULL, 'y', NULL, NULL, NULL, NULL, NULL, 3);
INSERT INTO "Item" VALUES ('c', NULL, NULL, 'y', NULL, NULL, NULL, NULL, NULL, 2);
INSERT INTO "Item" VALUES ('d', NULL, NULL, 'y', NULL, NULL, NULL, NULL, NULL, 2);
INSERT INTO "dnr_change_log" VALUES (1, 1, 'Item', 'a', 'created', 1, NULL, '{"id":"a","slug":"x","parent":null,"rank":null,"data":null,"size":null,"version":1}', NULL, NULL, 1795821482497);
INSERT INTO "dnr_change_log" VALUES (2, 2, 'Item', 'own', 'created', 1, NULL, '{"id":"own","slug":null,"parent":null,"rank":null,"data":null,"size":null,"version":1}', NULL, NULL, 1795821482501);
INSERT INTO "dnr_change_log" VALUES (3, 1, 'Item', 'c', 'created', 1, NULL, '{"id":"c","slug":null,"parent":null,"rank":null,"data":null,"size":null,"version":1}', NULL, NULL, 1795821482509);
INSERT INTO "dnr_change_log" VALUES (4, 1, 'Item', 'd', 'created', 1, NULL, '{"id":"d","slug":null,"parent":null,"rank":null,"data":null,"size":null,"version":1}', NULL, NULL, 1795821482509);
INSERT INTO "dnr_change_log" VALUES (5, 5, 'Item', 'own', 'updated', 2, '{"id":"own","slug":null,"parent":null,"rank":null,"data":null,"size":null,"version":1}', '{"id":"own","slug":null,"parent":null,"title":"x","rank":null,"data":null,"size":null,"version":2}', NULL, NULL, 1795821482510);
INSERT INTO "dnr_change_log" VALUES (6, 1, 'Item', 'own', 'updated', 3, '{"id":"own","slug":null,"parent":null,"title":"x","rank":null,"data":null,"size":null,"version":2}', '{"id":"own","slug":null,"parent":null,"title":"y","rank":null,"data":null,"size":null,"version":3}', NULL, NULL, 1795821482514);
INSERT INTO "dnr_change_log" VALUES (7, 1, 'Item', 'c', 'updated', 2, '{"id":"c","slug":null,"parent":null,"rank":null,"data":null,"size":null,"version":1}', '{"id":"c","slug":null,"parent":null,"title":"y","rank":null,"data":null,"size":null,"version":2}', NULL, NULL, 1795821482514);
INSERT INTO "dnr_change_log" VALUES (8, 1, 'Item', 'd', 'updated', 2, '{"id":"d","slug":null,"parent":null,"rank":null,"data":null,"size":null,"version":1}', '{"id":"d","slug":null,"parent":null,"title":"y","rank":null,"data":null,"size":null,"version":2}', NULL, NULL, 1795821482514);
INSERT INTO "dnr_log_epochs" VALUES (1, 'first', 1, 1795821482492);
INSERT INTO "dnr_meta" VALUES ('floor', 0);
INSERT INTO "dnr_meta" VALUES ('schema', 2);
INSERT INTO "dnr_meta" VALUES ('ran_ms', 0);
INSERT INTO "dnr_meta" VALUES ('ran_at', 0);
INSERT INTO "dnr_captured_tables" VALUES ('Item', 'Item');
INSERT INTO "dnr_captured_statements" VALUES (1, 1);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES ('dnr_log_epochs', 1);
INSERT INTO sqlite_sequence VALUES ('dnr_captured_statements', 0);
CREATE INDEX dnr_change_log_entity ON dnr_change_log (entity);
CREATE INDEX dnr_row_writes_for ON dnr_row_writes (entity, for_id) WHERE for_id IS NOT NULL;
CREATE VIEW "dnr_images_Item" AS SELECT "id" AS id, coalesce(CAST("version" AS INTEGER), 0) AS version,
 '{' || substr(CASE WHEN "id" IS NULL OR typeof("id") = 'blob' THEN '' ELSE ',"id":' || CASE typeof("id") WHEN 'text' THEN json_quote("id") WHEN 'integer' THEN CAST("id" AS TEXT) ELSE CASE WHEN abs("id") < 1e15 AND "id" = CAST("id" AS INTEGER) THEN CAST(CAST("id" AS INTEGER) AS TEXT)
    WHEN abs("id") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "id") AS REAL) = "id" THEN printf('%!.15g', "id")
    WHEN CAST(printf('%!.16g', "id") AS REAL) = "id" THEN printf('%!.16g', "id") ELSE printf('%!.17g', "id") END END END
 || CASE WHEN "slug" IS NULL OR typeof("slug") = 'blob' THEN ',"slug":null' ELSE ',"slug":' || CASE typeof("slug") WHEN 'text' THEN json_quote("slug") WHEN 'integer' THEN CAST("slug" AS TEXT) ELSE CASE WHEN abs("slug") < 1e15 AND "slug" = CAST("slug" AS INTEGER) THEN CAST(CAST("slug" AS INTEGER) AS TEXT)
    WHEN abs("slug") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "slug") AS REAL) = "slug" THEN printf('%!.15g', "slug")
    WHEN CAST(printf('%!.16g', "slug") AS REAL) = "slug" THEN printf('%!.16g', "slug") ELSE printf('%!.17g', "slug") END END END
 || CASE WHEN "parent" IS NULL OR typeof("parent") = 'blob' THEN ',"parent":null' ELSE ',"parent":' || CASE typeof("parent") WHEN 'text' THEN json_quote("parent") WHEN 'integer' THEN CAST("parent" AS TEXT) ELSE CASE WHEN abs("parent") < 1e15 AND "parent" = CAST("parent" AS INTEGER) THEN CAST(CAST("parent" AS INTEGER) AS TEXT)
    WHEN abs("parent") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "parent") AS REAL) = "parent" THEN printf('%!.15g', "parent")
    WHEN CAST(printf('%!.16g', "parent") AS REAL) = "parent" THEN printf('%!.16g', "parent") ELSE printf('%!.17g', "parent") END END END
 || CASE WHEN "title" IS NULL OR typeof("title") = 'blob' THEN '' ELSE ',"title":' || CASE typeof("title") WHEN 'text' THEN json_quote("title") WHEN 'integer' THEN CAST("title" AS TEXT) ELSE CASE WHEN abs("title") < 1e15 AND "title" = CAST("title" AS INTEGER) THEN CAST(CAST("title" AS INTEGER) AS TEXT)
    WHEN abs("title") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "title") AS REAL) = "title" THEN printf('%!.15g', "title")
    WHEN CAST(printf('%!.16g', "title") AS REAL) = "title" THEN printf('%!.16g', "title") ELSE printf('%!.17g', "title") END END END
 || CASE WHEN "rank" IS NULL OR typeof("rank") = 'blob' THEN ',"rank":null' ELSE ',"rank":' || CASE typeof("rank") WHEN 'text' THEN json_quote("rank") WHEN 'integer' THEN CAST("rank" AS TEXT) ELSE CASE WHEN abs("rank") < 1e15 AND "rank" = CAST("rank" AS INTEGER) THEN CAST(CAST("rank" AS INTEGER) AS TEXT)
    WHEN abs("rank") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "rank") AS REAL) = "rank" THEN printf('%!.15g', "rank")
    WHEN CAST(printf('%!.16g', "rank") AS REAL) = "rank" THEN printf('%!.16g', "rank") ELSE printf('%!.17g', "rank") END END END
 || CASE WHEN "done" IS NULL OR typeof("done") = 'blob' THEN '' ELSE ',"done":' || CASE WHEN typeof("done") <> 'text' AND "done" = 1 THEN 'true' ELSE 'false' END END
 || CASE WHEN "data" IS NULL OR typeof("data") = 'blob' THEN ',"data":null' ELSE ',"data":' || CASE WHEN typeof("data") <> 'text' THEN CASE typeof("data") WHEN 'text' THEN json_quote("data") WHEN 'integer' THEN CAST("data" AS TEXT) ELSE CASE WHEN abs("data") < 1e15 AND "data" = CAST("data" AS INTEGER) THEN CAST(CAST("data" AS INTEGER) AS TEXT)
    WHEN abs("data") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "data") AS REAL) = "data" THEN printf('%!.15g', "data")
    WHEN CAST(printf('%!.16g', "data") AS REAL) = "data" THEN printf('%!.16g', "data") ELSE printf('%!.17g', "data") END END WHEN json_valid("data") THEN json("data") ELSE json_quote("data") END END
 || CASE WHEN "size" IS NULL OR typeof("size") = 'blob' THEN ',"size":null' ELSE ',"size":' || json_quote(CAST("size" AS TEXT)) END
 || CASE WHEN "due" IS NULL OR typeof("due") = 'blob' THEN '' ELSE ',"due":' || CASE typeof("due") WHEN 'text' THEN json_quote("due") WHEN 'integer' THEN CAST("due" AS TEXT) ELSE CASE WHEN abs("due") < 1e15 AND "due" = CAST("due" AS INTEGER) THEN CAST(CAST("due" AS INTEGER) AS TEXT)
    WHEN abs("due") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "due") AS REAL) = "due" THEN printf('%!.15g', "due")
    WHEN CAST(printf('%!.16g', "due") AS REAL) = "due" THEN printf('%!.16g', "due") ELSE printf('%!.17g', "due") END END END, 2) || ',"version":' || coalesce(CAST("version" AS INTEGER), 0) || '}' AS image
FROM "Item";
CREATE TRIGGER dnr_change_log_floor BEFORE DELETE ON dnr_change_log
  WHEN OLD."offset" > (SELECT value FROM dnr_meta WHERE name = 'floor')
  BEGIN
    SELECT RAISE(ABORT, 'entries of dnr_change_log are removed by changeLog.trim() alone');
  END;
CREATE TRIGGER "dnr_capture_Item_before_insert" BEFORE INSERT ON "Item"
WHEN NEW."id" IS NOT NULL AND (NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND mark = 'created') OR EXISTS (SELECT 1 FROM "Item" WHERE "id" = NEW."id" AND "id" = NEW."id" COLLATE BINARY))
BEGIN
UPDATE dnr_row_writes SET for_id = NEW."id", mark = CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END
      WHERE entity = 'Item' AND row_id IN (SELECT "id" FROM "Item" WHERE "id" = NEW."id" UNION SELECT "id" FROM "Item" WHERE "slug" = NEW."slug") AND kept = 1;
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Item', "id", 0, 0 FROM "Item" WHERE "id" IN (SELECT "id" FROM "Item" WHERE "id" = NEW."id" UNION SELECT "id" FROM "Item" WHERE "slug" = NEW."slug") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = "Item"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = NEW."id", mark = CASE WHEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) IN ('created', 'inserting') THEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)
      WHERE entity = 'Item' AND row_id IN (SELECT "id" FROM "Item" WHERE "id" = NEW."id" UNION SELECT "id" FROM "Item" WHERE "slug" = NEW."slug") AND kept = 0;
DELETE FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 0 AND mark IN ('updated', 'deleted') AND NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = NEW."id" AND "id" = NEW."id" COLLATE BINARY);
INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT 'Item', NEW."id", NEW."id", 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE entity = 'Item' AND row_id = NEW."id"), 0), 1
      WHERE NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = NEW."id" AND "id" = NEW."id" COLLATE BINARY) AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id");
END;
CREATE TRIGGER "dnr_capture_Item_after_insert" AFTER INSERT ON "Item"
WHEN NEW."id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND mark = 'created')
BEGIN
INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT 'Item', NEW."id", NEW."id", 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE entity = 'Item' AND row_id = NEW."id"), 0), 1
      WHERE 1 AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id");
UPDATE "Item" SET "version" = (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 1)
      WHERE "id" = NEW."id" AND "version" IS NOT (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 1) AND (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 1) IS NOT NULL;
DELETE FROM dnr_captured_statements WHERE number < (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements');
INSERT INTO dnr_captured_statements (number, first_offset) SELECT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements'), coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0) + 1
      WHERE NOT EXISTS (SELECT 1 FROM dnr_captured_statements WHERE number = (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements'));
INSERT INTO dnr_change_log ("offset", transaction_offset, entity, row_id, operation, version, "before", "after", at)
      SELECT coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0) + row_number() OVER (ORDER BY EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY), row_id), (SELECT first_offset FROM dnr_captured_statements WHERE number = (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements')), entity, row_id,
        CASE WHEN NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY) THEN 'deleted' WHEN image IS NULL THEN 'created' ELSE 'updated' END,
        version + 1, image, (SELECT v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
      FROM dnr_row_writes
      WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND CASE WHEN EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY) THEN row_id IN (NEW."id") AND (image IS NULL OR version <> (SELECT v.version FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)) ELSE image IS NOT NULL END
      ORDER BY EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY), row_id;
DELETE FROM dnr_tombstones
      WHERE entity = 'Item' AND row_id IN (SELECT row_id FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND (image IS NOT NULL OR EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY)));
INSERT INTO dnr_tombstones (entity, row_id, version, "offset")
      SELECT entity, row_id, version + 1, coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0)
      FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND image IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY);
DELETE FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND (for_id IN (NEW."id") AND row_id IN (NEW."id") OR NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY));
UPDATE dnr_row_writes SET mark = NULL, (version, image) = (SELECT v.version, v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)
      WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND row_id IN (NEW."id");
DELETE FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND 1;
END;
CREATE TRIGGER "dnr_capture_Item_before_update" BEFORE UPDATE ON "Item"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = OLD."id" AND mark = 'updated' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0))
BEGIN
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Item', "id", 0, 0 FROM "Item" WHERE "id" IN (OLD."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = "Item"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = OLD."id", mark = CASE WHEN mark IN ('created', 'inserting') THEN mark END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)
      WHERE entity = 'Item' AND row_id IN (OLD."id") AND kept = 0;
END;
CREATE TRIGGER "dnr_capture_Item_before_key_update" BEFORE UPDATE OF "id", "slug" ON "Item"
WHEN NEW."id" IS NOT NULL AND (NEW."id" IS NOT OLD."id" COLLATE BINARY OR EXISTS (SELECT "id" FROM "Item" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id" COLLATE BINARY UNION SELECT "id" FROM "Item" WHERE "slug" = NEW."slug" AND "id" IS NOT OLD."id" COLLATE BINARY))
BEGIN
UPDATE dnr_row_writes SET for_id = OLD."id", mark = CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END
      WHERE entity = 'Item' AND row_id IN (SELECT "id" FROM "Item" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id" COLLATE BINARY UNION SELECT "id" FROM "Item" WHERE "slug" = NEW."slug" AND "id" IS NOT OLD."id" COLLATE BINARY) AND kept = 1;
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Item', "id", 0, 0 FROM "Item" WHERE "id" IN (SELECT "id" FROM "Item" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id" COLLATE BINARY UNION SELECT "id" FROM "Item" WHERE "slug" = NEW."slug" AND "id" IS NOT OLD."id" COLLATE BINARY) AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = "Item"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = OLD."id", mark = CASE WHEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) IN ('created', 'inserting') THEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)
      WHERE entity = 'Item' AND row_id IN (SELECT "id" FROM "Item" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id" COLLATE BINARY UNION SELECT "id" FROM "Item" WHERE "slug" = NEW."slug" AND "id" IS NOT OLD."id" COLLATE BINARY) AND kept = 0;
DELETE FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 0 AND mark IN ('updated', 'deleted') AND NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = NEW."id" AND "id" = NEW."id" COLLATE BINARY);
INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT 'Item', NEW."id", NEW."id", 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE entity = 'Item' AND row_id = NEW."id"), 0), 1
      WHERE NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = NEW."id" AND "id" = NEW."id" COLLATE BINARY) AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id");
END;
CREATE TRIGGER "dnr_capture_Item_after_update" AFTER UPDATE ON "Item"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = OLD."id" AND mark = 'updated' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0)) AND EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")))
BEGIN
UPDATE "Item" SET "version" = (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 1)
      WHERE "id" = NEW."id" AND "version" IS NOT (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 1) AND (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 1) IS NOT NULL;
DELETE FROM dnr_captured_statements WHERE number < (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements');
INSERT INTO dnr_captured_statements (number, first_offset) SELECT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements'), coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0) + 1
      WHERE NOT EXISTS (SELECT 1 FROM dnr_captured_statements WHERE number = (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements'));
INSERT INTO dnr_change_log ("offset", transaction_offset, entity, row_id, operation, version, "before", "after", at)
      SELECT coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0) + row_number() OVER (ORDER BY EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY), row_id), (SELECT first_offset FROM dnr_captured_statements WHERE number = (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements')), entity, row_id,
        CASE WHEN NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY) THEN 'deleted' WHEN image IS NULL THEN 'created' ELSE 'updated' END,
        version + 1, image, (SELECT v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
      FROM dnr_row_writes
      WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND CASE WHEN EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY) THEN row_id IN (NEW."id", OLD."id") AND (image IS NULL OR version <> (SELECT v.version FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)) ELSE image IS NOT NULL END
      ORDER BY EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY), row_id;
DELETE FROM dnr_tombstones
      WHERE entity = 'Item' AND row_id IN (SELECT row_id FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND (image IS NOT NULL OR EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY)));
INSERT INTO dnr_tombstones (entity, row_id, version, "offset")
      SELECT entity, row_id, version + 1, coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0)
      FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND image IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY);
UPDATE dnr_row_writes SET kept = 0, mark = 'created', for_id = NULL
      WHERE entity = 'Item' AND row_id = NEW."id" AND kept = 1 AND for_id = NEW."id" AND mark IN ('created', 'inserting');
DELETE FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND (for_id IN (NEW."id", OLD."id") AND row_id IN (NEW."id", OLD."id") OR NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY));
UPDATE dnr_row_writes SET mark = NULL, (version, image) = (SELECT v.version, v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)
      WHERE entity = 'Item' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND row_id IN (NEW."id", OLD."id");
DELETE FROM dnr_row_writes WHERE entity = 'Item' AND row_id = NEW."id" AND NEW."id" IS NOT OLD."id" COLLATE BINARY;
END;
CREATE TRIGGER "dnr_capture_Item_before_delete" BEFORE DELETE ON "Item"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = OLD."id" AND mark = 'deleted' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0))
BEGIN
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Item', "id", 0, 0 FROM "Item" WHERE "id" IN (OLD."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = "Item"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = OLD."id", mark = CASE WHEN mark IN ('created', 'inserting') THEN mark END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)
      WHERE entity = 'Item' AND row_id IN (OLD."id") AND kept = 0;
END;
CREATE TRIGGER "dnr_capture_Item_after_delete" AFTER DELETE ON "Item"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND row_id = OLD."id" AND mark = 'deleted' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0)) AND EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")))
BEGIN
DELETE FROM dnr_captured_statements WHERE number < (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements');
INSERT INTO dnr_captured_statements (number, first_offset) SELECT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements'), coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0) + 1
      WHERE NOT EXISTS (SELECT 1 FROM dnr_captured_statements WHERE number = (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements'));
INSERT INTO dnr_change_log ("offset", transaction_offset, entity, row_id, operation, version, "before", "after", at)
      SELECT coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0) + row_number() OVER (ORDER BY EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY), row_id), (SELECT first_offset FROM dnr_captured_statements WHERE number = (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_captured_statements')), entity, row_id,
        CASE WHEN NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY) THEN 'deleted' WHEN image IS NULL THEN 'created' ELSE 'updated' END,
        version + 1, image, (SELECT v.image FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
      FROM dnr_row_writes
      WHERE entity = 'Item' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND CASE WHEN EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY) THEN row_id IN (OLD."id") AND (image IS NULL OR version <> (SELECT v.version FROM "dnr_images_Item" v WHERE v.id = row_id AND v.id = row_id COLLATE BINARY)) ELSE image IS NOT NULL END
      ORDER BY EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY), row_id;
DELETE FROM dnr_tombstones
      WHERE entity = 'Item' AND row_id IN (SELECT row_id FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND (image IS NOT NULL OR EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY)));
INSERT INTO dnr_tombstones (entity, row_id, version, "offset")
      SELECT entity, row_id, version + 1, coalesce((SELECT max("offset") FROM dnr_change_log), (SELECT value FROM dnr_meta WHERE name = 'floor'), 0)
      FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND image IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY);
DELETE FROM dnr_row_writes WHERE entity = 'Item' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND (mark IS NULL OR (row_id <> OLD."id" AND NOT EXISTS (SELECT 1 FROM "Item" WHERE "id" = row_id AND "id" = row_id COLLATE BINARY)));
UPDATE dnr_row_writes SET mark = 'inserting', version = version + 1, image = NULL WHERE entity = 'Item' AND row_id = OLD."id" AND image IS NOT NULL;
END;
