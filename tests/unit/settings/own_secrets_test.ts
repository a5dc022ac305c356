/** That no form of reference reads what settings hold or name as secrets, whichever setting it is. */

import { assert, assertEquals } from "@std/assert";
import { basename } from "@std/path";
import { compileWebhook } from "../../../src/config/compile/compiler.ts";
import { openSecrets } from "../../../src/config/secrets/sources.ts";
import { OwnFiles } from "../../../src/io/own_files/own_files.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { SECRET_VARIABLES, VARIABLES } from "../../../src/settings/table.ts";
import { TempDir } from "../../support/temp_dir.ts";

const SECRET = "a-secret-of-the-gateway-itself";

/** Every variable that names a file or directory with secrets, however few of them make sense together. */
const NAMING = Object.entries(VARIABLES).filter(([, { type }]) => type.namesSecret === true).map(([name]) =>
  name
);

/** What else has to be set for a variable to be taken. */
const BESIDE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  TLS_CERT: { TLS_KEY: "key.pem" },
  TLS_KEY: { TLS_CERT: "cert.pem" },
  ETCD_USERNAME_FILE: { ETCD_PASSWORD: "p" },
  ETCD_PASSWORD_FILE: { ETCD_USERNAME: "u" },
  ETCD_TLS_CERT: { ETCD_TLS_KEY: "key.pem" },
  ETCD_TLS_KEY: { ETCD_TLS_CERT: "cert.pem" },
  ETCD_OPERATOR_PASSWORD_FILE: { ETCD_OPERATOR_USERNAME: "u" },
  ETCD_OPERATOR_TLS_CERT: { ETCD_OPERATOR_TLS_KEY: "key.pem" },
  ETCD_OPERATOR_TLS_KEY: { ETCD_OPERATOR_TLS_CERT: "cert.pem" },
  JOURNAL_PASSWORD_FILE: { JOURNAL: "postgres://user@127.0.0.1/db" },
};

function webhookWith(reference: string): unknown {
  return { module: "log", authorization: `Bearer ${reference}` };
}

Deno.test("no form of reference reads a variable that is a secret of the gateway", () => {
  const environment = Object.fromEntries([...SECRET_VARIABLES].map((name) => [name, SECRET]));
  const context = { environment, modules: outputModules };
  for (const name of SECRET_VARIABLES) {
    for (
      const reference of [
        `{$${name}}`,
        `{$env:${name}}`,
        `{$${name}:default}`,
        `{$env:${name}:x}`,
        `a{$${name}}`,
      ]
    ) {
      const compiled = compileWebhook(webhookWith(reference), context, "team-a");
      assert("problems" in compiled, reference);
      assertEquals(compiled.problems.map(({ code }) => code), ["invalid_reference"], reference);
      assert(!JSON.stringify(compiled).includes(SECRET));
    }
  }
});

Deno.test("no path leads a reference to a file that a setting names as a secret", async () => {
  assert(NAMING.includes("POLICY_FILE") && NAMING.includes("VAULT_TOKEN_FILE"), NAMING.join());
  for (const name of NAMING) {
    await using directory = await TempDir.create();
    await Deno.mkdir(directory.file("real"));
    const path = directory.file("real", "secret");
    await Deno.writeTextFile(path, SECRET);
    await Deno.symlink(path, directory.file("link"));
    await Deno.symlink(directory.file("link"), directory.file("link-to-link"));
    await Deno.symlink(directory.file("real"), directory.file("folder"));
    await Deno.symlink("/proc/self", directory.file("self"));
    await Deno.link(path, directory.file("hard"));
    const settings = loadSettings({
      DATA_DIR: directory.file("data"),
      SECRETS_DIR: directory.path,
      ...BESIDE[name],
      [name]: path,
    }, { logIsTerminal: false });
    await using secrets = await openSecrets(settings);
    const paths = ["real/secret", path, "link", "link-to-link", "folder/secret", "hard", "self/environ"];
    for (const each of paths) secrets.use(`file:${each}`);
    await secrets.settled();
    for (const each of paths) {
      const reference = { source: "file", path: each, fallback: "default" } as const;
      assertEquals(secrets.find(reference, "team-a").state, "misconfigured", `${name}: ${each}`);
    }
    for (
      const reference of [
        `{$file:real/../${basename(directory.path)}}`,
        "{$file:../secret}",
        "{$file:/proc/../x}",
      ]
    ) {
      assert(
        "problems" in
          compileWebhook(webhookWith(reference), { environment: {}, modules: outputModules, secrets }),
      );
    }
    for (const each of paths) secrets.release(`file:${each}`);

    // What webhooks name as files of certificates and keys.
    const own = new OwnFiles();
    using _guard = own.guard(settings.secrets.ownFiles);
    for (const each of ["real/secret", "link", "link-to-link", "folder/secret", "hard", "self/environ"]) {
      const refused = await own.refuse(directory.file(each)).then(() => "taken", () => "refused");
      assertEquals(refused, "refused", `${name}: ${each}`);
    }
    await Deno.writeTextFile(directory.file("other"), "no secret of the gateway");
    await own.refuse(directory.file("other"));
  }
});

Deno.test("settings whose names say that they are secret are among those that nothing reads", () => {
  for (const [name, { type }] of Object.entries(VARIABLES)) {
    if (/(?:_FILE|_FILES|_CERT)$/.test(name)) assert(type.namesSecret, name);
    if (/(?:_TOKEN|_PASSWORD|_SECRET_ID|_KEY)$/.test(name)) {
      assert(SECRET_VARIABLES.has(name) || type.namesSecret, name);
    }
  }
});
