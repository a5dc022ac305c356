/**
 * The etcd versions that users run: built once from their Go modules, since Debian has 3.4 alone. All tests of
 * the etcd backend run with them, and each is what clusters of the version before are upgraded to.
 *
 * @module
 */

import { join } from "@std/path";
import { cacheFolder } from "../cache.ts";
import type { RealSystem } from "../real_system.ts";

/** Everything that talks to an etcd server. */
const FILES = [
  "tests/integration/change_one_key_test.ts",
  "tests/integration/etcd_cluster_test.ts",
  "tests/integration/etcd_faults_test.ts",
  "tests/integration/etcd_provider_contract_test.ts",
  "tests/integration/etcd_reasons_test.ts",
  "tests/integration/etcd_recovery_test.ts",
  "tests/integration/etcd_secrets_test.ts",
  "tests/integration/etcd_security_test.ts",
  "tests/integration/etcd_session_test.ts",
  "tests/integration/etcd_silence_test.ts",
  "tests/integration/etcd_snapshot_test.ts",
  "tests/integration/etcd_synchronize_test.ts",
  "tests/integration/etcd_values_test.ts",
  "tests/integration/etcd_watch_test.ts",
  "tests/integration/migrate_names_test.ts",
  "tests/integration/migrate_extent_test.ts",
  "tests/integration/migrate_test.ts",
  "tests/integration/policy_etcd_test.ts",
  "tests/integration/relay_faults_test.ts",
  "tests/scenario/config_restarts_test.ts",
  "tests/scenario/etcd_backend_test.ts",
  "tests/scenario/status_test.ts",
  ...[
    "access",
    "gateway",
    "grpc_proxy",
    "history",
    "members",
    "outage",
    "quiet",
    "trust",
    "upgrade",
  ].map(situationsOf),
];

/** What each program's `main.go` has in it: all there is to them is in the modules. */
const PROGRAMS: Readonly<Record<string, string>> = {
  etcd: `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
`,
  etcdctl: `package main

import "go.etcd.io/etcd/etcdctl/v3/ctlv3"

func main() { ctlv3.MustStart() }
`,
  etcdutl: `package main

import (
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/etcdutl/v3/etcdutl"
)

func main() {
	root := &cobra.Command{Use: "etcdutl"}
	root.AddCommand(etcdutl.NewSnapshotCommand())
	if root.Execute() != nil {
		os.Exit(1)
	}
}
`,
};
import { pathExists } from "../../support/path_exists.ts";

/** etcd of the 3.5 line. */
export const etcd35: RealSystem = etcdOf("3.5.35");

/** etcd of the 3.6 line. */
export const etcd36: RealSystem = etcdOf("3.6.16", "3.5.35");

/** etcd of the 3.7 line. */
export const etcd37: RealSystem = etcdOf("3.7.3", "3.6.16");

function situationsOf(topic: string): string {
  return `tests/real/etcd/situations/${topic}_test.ts`;
}

/** @param before the version that is upgraded to this one. @default the one of `PATH`, Debian's 3.4 */
function etcdOf(version: string, before?: string): RealSystem {
  return {
    name: `etcd-${version.split(".").slice(0, 2).join(".")}`,
    files: FILES,
    prepare: async () => {
      const bin = binOf(version);
      const failure = await ensureBuilt(version) ??
        (before === undefined ? undefined : await ensureBuilt(before));
      if (failure !== undefined) return failure;
      const earlier = before === undefined ? await findInPath("etcd") : join(binOf(before), "etcd");
      if (earlier === undefined) return "PATH has no etcd 3.4 to upgrade from";
      const found = new TextDecoder().decode(
        (await new Deno.Command(join(bin, "etcd"), { args: ["--version"] }).output()).stdout,
      );
      return {
        version: /etcd Version: (\S+)/.exec(found)?.[1] ?? "unknown",
        env: {
          PATH: `${bin}:${Deno.env.get("PATH") ?? ""}`,
          CWM_ETCD_BEFORE: earlier,
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

async function findInPath(program: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = join(folder, program);
    if (await pathExists(path)) return path;
  }
  return undefined;
}

function binOf(version: string): string {
  return join(cacheFolder(`etcd-${version}`), "bin");
}

/** Returns why it did not work out, if it did not. */
async function ensureBuilt(version: string): Promise<string | undefined> {
  const bin = binOf(version);
  return await pathExists(join(bin, "etcdutl")) ? undefined : await build(version, bin);
}

async function build(version: string, bin: string): Promise<string | undefined> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-etcd-build-" });
  try {
    await Deno.writeTextFile(join(directory, "go.mod"), "module cwm.example/etcd\n\ngo 1.24\n");
    for (const [name, text] of Object.entries(PROGRAMS)) {
      await Deno.mkdir(join(directory, name));
      await Deno.writeTextFile(join(directory, name, "main.go"), text);
    }
    const modules = ["server", "etcdctl", "etcdutl"].map((name) => `go.etcd.io/etcd/${name}/v3@v${version}`);
    await Deno.mkdir(bin, { recursive: true });
    const steps = [
      ["get", ...modules],
      ["mod", "tidy"],
      ["build", "-o", `${bin}/`, ...Object.keys(PROGRAMS).map((name) => `./${name}`)],
    ];
    for (const args of steps) {
      const { success } = await new Deno.Command("go", { args, cwd: directory, stdin: "null" }).spawn()
        .status;
      if (!success) return `go ${args[0]} failed`;
    }
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "Go is not installed";
    throw error;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
