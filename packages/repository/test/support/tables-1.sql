-- A database as version 1 of the tables had it: written by a repository, trimmed, written into with SQL.
CREATE TABLE dnr_change_log (
    "offset" INTEGER PRIMARY KEY AUTOINCREMENT,
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
CREATE TABLE dnr_epochs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL UNIQUE,
    first_offset INTEGER NOT NULL,
    opened_at INTEGER NOT NULL
  ) STRICT;
CREATE TABLE dnr_entity_heads (entity TEXT PRIMARY KEY, last_offset INTEGER NOT NULL) STRICT;
CREATE TABLE dnr_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE dnr_mutations (
    scope TEXT NOT NULL,
    mutation_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer TEXT,
    version INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (scope, mutation_id)
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
CREATE TABLE "Task" (
  "id" TEXT PRIMARY KEY NOT NULL,
  "title" TEXT,
  "status" TEXT,
  "assignee" TEXT,
  "rank" REAL,
  "done" INTEGER,
  "version" INTEGER NOT NULL DEFAULT 1
);
INSERT INTO "dnr_change_log" VALUES (3, 3, 'Task', 'c', 'created', 1, NULL, '{"id":"c","title":"x","status":"todo","assignee":null,"rank":0,"done":false,"version":1}', 'create-c', 'alice', 1767225600000);
INSERT INTO "dnr_change_log" VALUES (4, 4, 'Task', 'c', 'deleted', 2, '{"id":"c","title":"x","status":"todo","assignee":null,"rank":0,"done":false,"version":1}', NULL, 'delete-c', NULL, 1767225600000);
INSERT INTO "dnr_change_log" VALUES (5, 5, 'Task', 'a', 'updated', 2, '{"id":"a","title":"x","status":"todo","assignee":null,"rank":0,"done":false,"version":1}', '{"id":"a","title":"y","status":"todo","assignee":null,"rank":0,"done":false,"version":2}', NULL, NULL, 1795715962232);
INSERT INTO "dnr_change_log" VALUES (6, 5, 'Task', 'b', 'updated', 2, '{"id":"b","title":"x","status":"todo","assignee":null,"rank":0,"done":false,"version":1}', '{"id":"b","title":"y","status":"todo","assignee":null,"rank":0,"done":false,"version":2}', NULL, NULL, 1795715962232);
INSERT INTO "dnr_epochs" VALUES (1, 'first', 1, 1767225600000);
INSERT INTO "dnr_entity_heads" VALUES ('Task', 2);
INSERT INTO "dnr_meta" VALUES ('floor', 2);
INSERT INTO "dnr_meta" VALUES ('schema', 1);
INSERT INTO "dnr_mutations" VALUES ('user:alice', 'create-a', 'Jz6rnP_8ifo13KkU95oBl26iIQrR7RRWayEtuMV5Fos', '{"id":"a","title":"x","status":"todo","assignee":null,"rank":0,"done":false,"version":1}', 1, 'first', 1, 1767225600000);
INSERT INTO "dnr_mutations" VALUES ('user:alice', 'create-b', 'Htl39CAzJbAL-qmwu7xQc1hykwd-Yxxu6IyYNf6HchQ', '{"id":"b","title":"x","status":"todo","assignee":null,"rank":0,"done":false,"version":1}', 1, 'first', 2, 1767225600000);
INSERT INTO "dnr_mutations" VALUES ('user:alice', 'create-c', 'yMSMnysG2PCA7LeObrloUAFXf8mi_MKNCLPrLsn_sVw', '{"id":"c","title":"x","status":"todo","assignee":null,"rank":0,"done":false,"version":1}', 1, 'first', 3, 1767225600000);
INSERT INTO "dnr_mutations" VALUES ('', 'delete-c', 'QA26z6y3mpajrPC0E3NmjdUyXBWgMhHa05XYBSLwC4I', NULL, 2, 'first', 4, 1767225600000);
INSERT INTO "dnr_tombstones" VALUES ('Task', 'c', 2, 4);
INSERT INTO "dnr_captured_tables" VALUES ('Task', 'Task');
INSERT INTO "Task" VALUES ('a', 'y', 'todo', NULL, 0, 0, 2);
INSERT INTO "Task" VALUES ('b', 'y', 'todo', NULL, 0, 0, 2);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES ('dnr_epochs', 1);
INSERT INTO sqlite_sequence VALUES ('dnr_change_log', 6);
CREATE INDEX dnr_change_log_entity ON dnr_change_log (entity);
CREATE INDEX dnr_row_writes_for ON dnr_row_writes (entity, for_id) WHERE for_id IS NOT NULL;
CREATE VIEW "dnr_images_Task" AS SELECT "id" AS id, coalesce(CAST("version" AS INTEGER), 0) AS version,
 '{' || substr(CASE WHEN "id" IS NULL OR typeof("id") = 'blob' THEN '' ELSE ',"id":' || CASE typeof("id") WHEN 'text' THEN json_quote("id") WHEN 'integer' THEN CAST("id" AS TEXT) ELSE CASE WHEN abs("id") < 1e15 AND "id" = CAST("id" AS INTEGER) THEN CAST(CAST("id" AS INTEGER) AS TEXT)
    WHEN abs("id") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "id") AS REAL) = "id" THEN printf('%!.15g', "id")
    WHEN CAST(printf('%!.16g', "id") AS REAL) = "id" THEN printf('%!.16g', "id") ELSE printf('%!.17g', "id") END END END
 || CASE WHEN "title" IS NULL OR typeof("title") = 'blob' THEN '' ELSE ',"title":' || CASE typeof("title") WHEN 'text' THEN json_quote("title") WHEN 'integer' THEN CAST("title" AS TEXT) ELSE CASE WHEN abs("title") < 1e15 AND "title" = CAST("title" AS INTEGER) THEN CAST(CAST("title" AS INTEGER) AS TEXT)
    WHEN abs("title") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "title") AS REAL) = "title" THEN printf('%!.15g', "title")
    WHEN CAST(printf('%!.16g', "title") AS REAL) = "title" THEN printf('%!.16g', "title") ELSE printf('%!.17g', "title") END END END
 || CASE WHEN "status" IS NULL OR typeof("status") = 'blob' THEN '' ELSE ',"status":' || CASE typeof("status") WHEN 'text' THEN json_quote("status") WHEN 'integer' THEN CAST("status" AS TEXT) ELSE CASE WHEN abs("status") < 1e15 AND "status" = CAST("status" AS INTEGER) THEN CAST(CAST("status" AS INTEGER) AS TEXT)
    WHEN abs("status") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "status") AS REAL) = "status" THEN printf('%!.15g', "status")
    WHEN CAST(printf('%!.16g', "status") AS REAL) = "status" THEN printf('%!.16g', "status") ELSE printf('%!.17g', "status") END END END
 || CASE WHEN "assignee" IS NULL OR typeof("assignee") = 'blob' THEN ',"assignee":null' ELSE ',"assignee":' || CASE typeof("assignee") WHEN 'text' THEN json_quote("assignee") WHEN 'integer' THEN CAST("assignee" AS TEXT) ELSE CASE WHEN abs("assignee") < 1e15 AND "assignee" = CAST("assignee" AS INTEGER) THEN CAST(CAST("assignee" AS INTEGER) AS TEXT)
    WHEN abs("assignee") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "assignee") AS REAL) = "assignee" THEN printf('%!.15g', "assignee")
    WHEN CAST(printf('%!.16g', "assignee") AS REAL) = "assignee" THEN printf('%!.16g', "assignee") ELSE printf('%!.17g', "assignee") END END END
 || CASE WHEN "rank" IS NULL OR typeof("rank") = 'blob' THEN '' ELSE ',"rank":' || CASE typeof("rank") WHEN 'text' THEN json_quote("rank") WHEN 'integer' THEN CAST("rank" AS TEXT) ELSE CASE WHEN abs("rank") < 1e15 AND "rank" = CAST("rank" AS INTEGER) THEN CAST(CAST("rank" AS INTEGER) AS TEXT)
    WHEN abs("rank") > 1.7976931348623157e+308 THEN 'null'
    WHEN CAST(printf('%!.15g', "rank") AS REAL) = "rank" THEN printf('%!.15g', "rank")
    WHEN CAST(printf('%!.16g', "rank") AS REAL) = "rank" THEN printf('%!.16g', "rank") ELSE printf('%!.17g', "rank") END END END
 || CASE WHEN "done" IS NULL OR typeof("done") = 'blob' THEN '' ELSE ',"done":' || CASE WHEN typeof("done") <> 'text' AND "done" = 1 THEN 'true' ELSE 'false' END END, 2) || ',"version":' || coalesce(CAST("version" AS INTEGER), 0) || '}' AS image
FROM "Task";
CREATE TRIGGER "dnr_capture_Task_after_delete" AFTER DELETE ON "Task"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = OLD."id" AND mark = 'deleted' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0)) AND EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")))
BEGIN
INSERT INTO dnr_change_log (transaction_offset, entity, row_id, operation, version, "before", "after", at)
      SELECT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_change_log'), entity, row_id,
        CASE WHEN NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id) THEN 'deleted' WHEN image IS NULL THEN 'created' ELSE 'updated' END,
        version + 1, image, (SELECT v.image FROM "dnr_images_Task" v WHERE v.id = row_id), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
      FROM dnr_row_writes
      WHERE entity = 'Task' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND CASE WHEN EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id) THEN row_id IN (OLD."id") AND (image IS NULL OR version <> (SELECT v.version FROM "dnr_images_Task" v WHERE v.id = row_id)) ELSE image IS NOT NULL END
      ORDER BY EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id), row_id;
DELETE FROM dnr_tombstones
      WHERE entity = 'Task' AND row_id IN (SELECT row_id FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND (image IS NOT NULL OR EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id)));
INSERT INTO dnr_tombstones (entity, row_id, version, "offset")
      SELECT entity, row_id, version + 1, (SELECT max("offset") FROM dnr_change_log)
      FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND image IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id);
DELETE FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (OLD."id") OR for_id IN (OLD."id")) AND (mark IS NULL OR (row_id <> OLD."id" AND NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id)));
UPDATE dnr_row_writes SET mark = 'inserting', version = version + 1, image = NULL WHERE entity = 'Task' AND row_id = OLD."id" AND image IS NOT NULL;
END;
CREATE TRIGGER "dnr_capture_Task_after_insert" AFTER INSERT ON "Task"
WHEN NEW."id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND mark = 'created')
BEGIN
INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT 'Task', NEW."id", NEW."id", 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE entity = 'Task' AND row_id = NEW."id"), 0), 1
      WHERE 1 AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id");
UPDATE "Task" SET "version" = (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 1)
      WHERE "id" = NEW."id" AND "version" IS NOT (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 1) AND (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 1) IS NOT NULL;
INSERT INTO dnr_change_log (transaction_offset, entity, row_id, operation, version, "before", "after", at)
      SELECT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_change_log'), entity, row_id,
        CASE WHEN NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id) THEN 'deleted' WHEN image IS NULL THEN 'created' ELSE 'updated' END,
        version + 1, image, (SELECT v.image FROM "dnr_images_Task" v WHERE v.id = row_id), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
      FROM dnr_row_writes
      WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND CASE WHEN EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id) THEN row_id IN (NEW."id") AND (image IS NULL OR version <> (SELECT v.version FROM "dnr_images_Task" v WHERE v.id = row_id)) ELSE image IS NOT NULL END
      ORDER BY EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id), row_id;
DELETE FROM dnr_tombstones
      WHERE entity = 'Task' AND row_id IN (SELECT row_id FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND (image IS NOT NULL OR EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id)));
INSERT INTO dnr_tombstones (entity, row_id, version, "offset")
      SELECT entity, row_id, version + 1, (SELECT max("offset") FROM dnr_change_log)
      FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND image IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id);
DELETE FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND (for_id IN (NEW."id") AND row_id IN (NEW."id") OR NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id));
UPDATE dnr_row_writes SET mark = NULL, (version, image) = (SELECT v.version, v.image FROM "dnr_images_Task" v WHERE v.id = row_id)
      WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id") OR for_id IN (NEW."id")) AND row_id IN (NEW."id");
DELETE FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND 1;
END;
CREATE TRIGGER "dnr_capture_Task_after_update" AFTER UPDATE ON "Task"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = OLD."id" AND mark = 'updated' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0)) AND EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")))
BEGIN
UPDATE "Task" SET "version" = (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 1)
      WHERE "id" = NEW."id" AND "version" IS NOT (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 1) AND (SELECT version + 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 1) IS NOT NULL;
INSERT INTO dnr_change_log (transaction_offset, entity, row_id, operation, version, "before", "after", at)
      SELECT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'dnr_change_log'), entity, row_id,
        CASE WHEN NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id) THEN 'deleted' WHEN image IS NULL THEN 'created' ELSE 'updated' END,
        version + 1, image, (SELECT v.image FROM "dnr_images_Task" v WHERE v.id = row_id), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
      FROM dnr_row_writes
      WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND CASE WHEN EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id) THEN row_id IN (NEW."id", OLD."id") AND (image IS NULL OR version <> (SELECT v.version FROM "dnr_images_Task" v WHERE v.id = row_id)) ELSE image IS NOT NULL END
      ORDER BY EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id), row_id;
DELETE FROM dnr_tombstones
      WHERE entity = 'Task' AND row_id IN (SELECT row_id FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND (image IS NOT NULL OR EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id)));
INSERT INTO dnr_tombstones (entity, row_id, version, "offset")
      SELECT entity, row_id, version + 1, (SELECT max("offset") FROM dnr_change_log)
      FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND image IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id);
UPDATE dnr_row_writes SET kept = 0, mark = 'created', for_id = NULL
      WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 1 AND mark IN ('created', 'inserting');
DELETE FROM dnr_row_writes WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND (for_id IN (NEW."id", OLD."id") AND row_id IN (NEW."id", OLD."id") OR NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = row_id));
UPDATE dnr_row_writes SET mark = NULL, (version, image) = (SELECT v.version, v.image FROM "dnr_images_Task" v WHERE v.id = row_id)
      WHERE entity = 'Task' AND kept = 1 AND (row_id IN (NEW."id", OLD."id") OR for_id IN (NEW."id", OLD."id")) AND row_id IN (NEW."id", OLD."id");
DELETE FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND NEW."id" IS NOT OLD."id";
END;
CREATE TRIGGER "dnr_capture_Task_before_delete" BEFORE DELETE ON "Task"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = OLD."id" AND mark = 'deleted' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0))
BEGIN
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Task', "id", 0, 0 FROM "Task" WHERE "id" IN (OLD."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = "Task"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = OLD."id", mark = CASE WHEN mark IN ('created', 'inserting') THEN mark END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Task" v WHERE v.id = row_id)
      WHERE entity = 'Task' AND row_id IN (OLD."id") AND kept = 0;
END;
CREATE TRIGGER "dnr_capture_Task_before_insert" BEFORE INSERT ON "Task"
WHEN NEW."id" IS NOT NULL AND (NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND mark = 'created') OR EXISTS (SELECT 1 FROM "Task" WHERE "id" = NEW."id"))
BEGIN
UPDATE dnr_row_writes SET for_id = NEW."id", mark = CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END
      WHERE entity = 'Task' AND row_id IN (SELECT "id" FROM "Task" WHERE "id" = NEW."id") AND kept = 1;
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Task', "id", 0, 0 FROM "Task" WHERE "id" IN (SELECT "id" FROM "Task" WHERE "id" = NEW."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = "Task"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = NEW."id", mark = CASE WHEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) IN ('created', 'inserting') THEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Task" v WHERE v.id = row_id)
      WHERE entity = 'Task' AND row_id IN (SELECT "id" FROM "Task" WHERE "id" = NEW."id") AND kept = 0;
DELETE FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 0 AND mark IN ('updated', 'deleted') AND NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = NEW."id");
INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT 'Task', NEW."id", NEW."id", 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE entity = 'Task' AND row_id = NEW."id"), 0), 1
      WHERE NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = NEW."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id");
END;
CREATE TRIGGER "dnr_capture_Task_before_key_update" BEFORE UPDATE OF "id" ON "Task"
WHEN NEW."id" IS NOT NULL AND (NEW."id" IS NOT OLD."id" OR EXISTS (SELECT "id" FROM "Task" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id"))
BEGIN
UPDATE dnr_row_writes SET for_id = OLD."id", mark = CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END
      WHERE entity = 'Task' AND row_id IN (SELECT "id" FROM "Task" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id") AND kept = 1;
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Task', "id", 0, 0 FROM "Task" WHERE "id" IN (SELECT "id" FROM "Task" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = "Task"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = OLD."id", mark = CASE WHEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) IN ('created', 'inserting') THEN (CASE WHEN row_id = NEW."id" THEN 'inserting' ELSE mark END) END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Task" v WHERE v.id = row_id)
      WHERE entity = 'Task' AND row_id IN (SELECT "id" FROM "Task" WHERE "id" = NEW."id" AND "id" IS NOT OLD."id") AND kept = 0;
DELETE FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id" AND kept = 0 AND mark IN ('updated', 'deleted') AND NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = NEW."id");
INSERT INTO dnr_row_writes (entity, row_id, for_id, mark, version, kept)
      SELECT 'Task', NEW."id", NEW."id", 'inserting', coalesce((SELECT version FROM dnr_tombstones WHERE entity = 'Task' AND row_id = NEW."id"), 0), 1
      WHERE NOT EXISTS (SELECT 1 FROM "Task" WHERE "id" = NEW."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = NEW."id");
END;
CREATE TRIGGER "dnr_capture_Task_before_update" BEFORE UPDATE ON "Task"
WHEN NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = OLD."id" AND mark = 'updated' AND kept = 0 AND version > coalesce(CAST(OLD."version" AS INTEGER), 0))
BEGIN
INSERT INTO dnr_row_writes (entity, row_id, version, kept)
      SELECT 'Task', "id", 0, 0 FROM "Task" WHERE "id" IN (OLD."id") AND NOT EXISTS (SELECT 1 FROM dnr_row_writes WHERE entity = 'Task' AND row_id = "Task"."id");
UPDATE dnr_row_writes
      SET kept = 1, for_id = OLD."id", mark = CASE WHEN mark IN ('created', 'inserting') THEN mark END,
        (version, image) = (SELECT v.version, v.image FROM "dnr_images_Task" v WHERE v.id = row_id)
      WHERE entity = 'Task' AND row_id IN (OLD."id") AND kept = 0;
END;
