import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import type { Settings } from "../../../src/settings/settings.ts";

function load(env: Readonly<Record<string, string>>): Settings {
  return loadSettings(env, { logIsTerminal: false });
}

function serverOf(url: string): Settings["journal"]["postgres"] {
  return load({ JOURNAL: url }).journal.postgres;
}

function problemOf(env: Readonly<Record<string, string>>): string {
  try {
    load(env);
  } catch (error) {
    if (error instanceof StartupError) return error.problems.join("\n");
    throw error;
  }
  return "";
}

Deno.test("JOURNAL names the server, its database and the user", () => {
  assertEquals(serverOf("postgres://cwm@db.internal/journal"), {
    hosts: [{ host: "db.internal", port: 5432 }],
    database: "journal",
    user: "cwm",
    tempo: { beatMs: 3_000, deadMs: 15_000, limitMs: 10_000 },
  });
  assertEquals(load({}).journal.postgres, undefined);
});

Deno.test("JOURNAL names several hosts, with ports and IPv6 addresses of their own", () => {
  assertEquals(serverOf("postgresql://cwm@db1:5433,[2001:db8::1]:5434,10.0.0.3/cwm")?.hosts, [
    { host: "db1", port: 5433 },
    { host: "2001:db8::1", port: 5434 },
    { host: "10.0.0.3", port: 5432 },
  ]);
});

Deno.test("a password in JOURNAL is percent-encoded, and no part of another value", () => {
  assertEquals(serverOf("postgres://a%40b:p%2Fw%3A%25@db/c%20d"), {
    hosts: [{ host: "db", port: 5432 }],
    database: "c d",
    user: "a@b",
    password: { text: "p/w:%" },
    tempo: { beatMs: 3_000, deadMs: 15_000, limitMs: 10_000 },
  });
});

Deno.test("JOURNAL says by sslmode what of the server's certificate is verified, as libpq does", () => {
  const tlsOf = (query: string) => serverOf(`postgres://cwm@db/cwm?${query}`)?.tls;
  assertEquals(tlsOf("sslmode=disable"), undefined);
  assertEquals(tlsOf("sslmode=require"), { verifies: "nothing" });
  assertEquals(tlsOf("sslmode=require&sslrootcert=/ca.pem"), { verifies: "authority", caFile: "/ca.pem" });
  assertEquals(tlsOf("sslmode=verify-ca&sslrootcert=/ca.pem"), { verifies: "authority", caFile: "/ca.pem" });
  assertEquals(tlsOf("sslmode=verify-full&sslrootcert=system"), { verifies: "name" });
  assertEquals(tlsOf("sslmode=verify-full&sslcert=/c.pem&sslkey=/k.pem"), {
    verifies: "name",
    certFile: "/c.pem",
    keyFile: "/k.pem",
  });
});

Deno.test("a JOURNAL that cannot be used says what is wrong, and never shows its password", () => {
  const wrong = {
    "redis://cwm:s3cret@db/cwm": "must be postgres://user@host:port,host:port/database",
    "postgres://cwm:s3cret@db": "must be postgres://user@host:port,host:port/database",
    "postgres://db/cwm": "must name the user",
    "postgres://cwm:s3cret@db:0/cwm": "each host a name or an address",
    "postgres://cwm:s3cret@db,/cwm": "each host a name or an address",
    "postgres://cwm:s3cret%@db/cwm": "%25 for a percent sign",
    "postgres://cwm:s3cret@db/cwm?sslmode=prefer": "sslmode=verify-full, verify-ca, require or disable",
    "postgres://cwm:s3cret@db/cwm?options=-c": "no other parameters than sslmode, sslrootcert",
    "postgres://cwm:s3cret@db/cwm?sslrootcert=/ca.pem": "sslmode=verify-full where it has sslrootcert",
    "postgres://cwm:s3cret@db/cwm?sslmode=require&sslcert=/c.pem": "sslcert and sslkey together",
  };
  for (const [url, problem] of Object.entries(wrong)) {
    const said = problemOf({ JOURNAL: url });
    assertStringIncludes(said, problem);
    assertEquals(said.includes("s3cret"), false, said);
  }
});

Deno.test("the password of JOURNAL stands in one place", () => {
  assertEquals(
    load({ JOURNAL: "postgres://cwm@db/cwm", JOURNAL_PASSWORD_FILE: "/run/pw" }).journal.postgres?.password,
    {
      file: "/run/pw",
    },
  );
  assertMatch(problemOf({ JOURNAL_PASSWORD_FILE: "/run/pw" }), /^JOURNAL must be set/);
  assertMatch(
    problemOf({ JOURNAL: "postgres://cwm:pw@db/cwm", JOURNAL_PASSWORD_FILE: "/run/pw" }),
    /^JOURNAL has a password/,
  );
});

Deno.test("references to secrets never read the files of JOURNAL", () => {
  const { ownFiles } = load({
    JOURNAL: "postgres://cwm@db/cwm?sslmode=verify-full&sslcert=/c.pem&sslkey=/k.pem",
    JOURNAL_PASSWORD_FILE: "/run/pw",
  }).secrets;
  assertEquals(["/run/pw", "/c.pem", "/k.pem"].every((path) => ownFiles.includes(path)), true);
});

Deno.test("a JOURNAL that others can read or pretend to be is warned of at the start", () => {
  const warningsOf = (url: string) =>
    load({ JOURNAL: url }).warnings.filter((line) => line.startsWith("JOURNAL"));
  assertMatch(warningsOf("postgres://cwm@localhost,db/cwm")[0] ?? "", /way to db; add \?sslmode=verify-full/);
  assertMatch(warningsOf("postgres://cwm@db/cwm?sslmode=require")[0] ?? "", /pretend to be it/);
  assertEquals(warningsOf("postgres://cwm@db/cwm?sslmode=verify-full"), []);
  assertEquals(warningsOf("postgres://cwm@127.0.0.1,[::1],localhost/cwm"), []);
});

Deno.test("an instance counts as dead only long after its signs of life should have come", () => {
  const tempoOf = (beat: string, dead: string, limit: string) => ({
    JOURNAL: "postgres://cwm@localhost/cwm",
    JOURNAL_BEAT_MS: beat,
    JOURNAL_DEAD_MS: dead,
    JOURNAL_DELIVERY_LIMIT_MS: limit,
  });
  assertEquals(load(tempoOf("300", "1500", "1000")).journal.postgres?.tempo, {
    beatMs: 300,
    deadMs: 1_500,
    limitMs: 1_000,
  });
  assertMatch(problemOf(tempoOf("4000", "15000", "10000")), /^JOURNAL_DEAD_MS must be at least four times/);
  assertMatch(
    problemOf(tempoOf("3000", "15000", "5000")),
    /^JOURNAL_DELIVERY_LIMIT_MS must be at least twice/,
  );
  assertMatch(
    problemOf(tempoOf("3000", "15000", "13000")),
    /must be less than JOURNAL_DEAD_MS by JOURNAL_BEAT_MS/,
  );
});
