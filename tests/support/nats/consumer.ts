/** A consumer with the NATS client for Python, which shares no code with the gateway's. */

import { ChildProcess } from "../process/child_process.ts";
import { installPythonPackage } from "../python_package.ts";
import type { StoredMessage } from "./desk.ts";

const NATS_PY = {
  name: "nats-py",
  version: "2.16.0",
  sha256: "aeb1ff123966c05833d26c7df7e1d54c1c6d32b612428b21677a2e921f1fecae",
};

/** Fetches messages of a stream, as a consumer does, and confirms them. */
export async function consume(
  port: number,
  stream: string,
  count: number,
): Promise<readonly StoredMessage[]> {
  const folder = await installPythonPackage(NATS_PY);
  const script = new URL("consume.py", import.meta.url).pathname;
  await using process = ChildProcess.spawn("python3", {
    args: [script, `${port}`, stream, `${count}`],
    env: { PYTHONPATH: folder },
  });
  const { success } = await process.exited;
  if (!success) throw new Error(`The consumer failed: ${process.output}`);
  return process.lines.filter(({ stream: of }) => of === "stdout").map(({ text }) => {
    const { subject, headers, body } = JSON.parse(text);
    return { subject, headers: new Map(Object.entries<string>(headers)), body: Uint8Array.fromBase64(body) };
  });
}
