import { ChildProcess } from "../process/child_process.ts";
import { blocksOf, readPages } from "../house/pages.ts";
import { REPOSITORY } from "../repository.ts";
import { RELAY_TOKEN } from "./world.ts";

/** The programs that the page about pulling shows, as they stand there. */
export interface PullPrograms {
  readonly bash: string;
  readonly python: string;
}

export async function readPullPrograms(): Promise<PullPrograms> {
  const page = (await readPages(REPOSITORY)).get("src/relay/PULL.md") ?? "";
  return { bash: blocksOf(page, "bash").join("\n"), python: blocksOf(page, "python").join("\n") };
}

/** Starts a program of the page against a gateway. */
export function startPullProgram(program: string, args: readonly string[], gateway: string): ChildProcess {
  return ChildProcess.spawn(program, {
    args,
    env: { CWM_URL: gateway, CWM_TOKEN: RELAY_TOKEN, PYTHONUNBUFFERED: "1" },
  });
}
