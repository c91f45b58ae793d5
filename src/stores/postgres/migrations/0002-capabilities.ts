/**
 * Version 2: paths that are asked of JSON texts, and rows beside runs in partitions.
 *
 * `finds` tells whether a path finds a document. A text that jsonb refuses must not make a whole question
 * fail, and only newer servers tell beforehand what it refuses, so it is tried.
 *
 * `run_rows` holds no row itself. Its partitions are made when they are asked for, one a segment of a run.
 */
import { type Kysely, type Migration, sql } from 'kysely';

const FINDS = `
CREATE FUNCTION finds(document text, path jsonpath, vars jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  parsed jsonb;
BEGIN
  BEGIN
    parsed := document::jsonb;
  EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN false;
  END;
  RETURN EXISTS (
    SELECT FROM jsonb_path_query(parsed, path, vars, true) AS given(value)
    WHERE value NOT IN ('false'::jsonb, 'null'::jsonb)
  );
END
$$`;

async function createRows(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE run_rows (
    segment bigint NOT NULL,
    number bigint NOT NULL,
    tick bigint NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (segment, number)
  ) PARTITION BY LIST (segment)`.execute(db);
}

/** Brings version 1 to version 2. */
export const capabilities: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw(FINDS).execute(db);
    await createRows(db);
  },
};
