/** Processes that keep the processors busy until they are disposed of. */
export class BusyProcesses implements Disposable {
  readonly #children: readonly Deno.ChildProcess[];

  constructor(count: number) {
    // Each ends by itself once the process that started it is gone.
    const script =
      'while kill -0 "$0" 2>/dev/null; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done';
    this.#children = Array.from({ length: count }, () =>
      new Deno.Command("sh", {
        args: ["-c", script, `${Deno.pid}`],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn());
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }
}
