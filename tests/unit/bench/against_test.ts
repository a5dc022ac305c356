import { assertEquals, assertRejects } from "@std/assert";
import { checkOut, THIS_BUILD } from "../../bench/against/build.ts";
import { compareBuilds, type Figures, hasGained, judgeRounds } from "../../bench/against/comparison.ts";
import { benchAgainst } from "../../bench/against/main.ts";
import { TempDir } from "../../support/temp_dir.ts";

const figures = (rate: number, cpuPer10k: number): Figures => ({ rate, p99Ms: NaN, cpuPer10k });

async function git(repository: string, ...args: string[]): Promise<void> {
  const identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.com"];
  const command = new Deno.Command("git", { args: ["-C", repository, ...identity, ...args], stdout: "null" });
  assertEquals((await command.output()).code, 0);
}

Deno.test("a build is judged by the median of the rounds' ratios, not by the ratio of medians", () => {
  const { rate, cpu, isSlower } = judgeRounds({
    before: [figures(100, 1), figures(200, 2), figures(400, 4)],
    after: [figures(100, 1), figures(190, 2), figures(800, 2)],
  });
  assertEquals({ rate, cpu, isSlower }, { rate: 1, cpu: 1, isSlower: false });
});

Deno.test("a build with 0.94 of the rate, or 1.04 times the CPU time, is slower", () => {
  const isSlower = (after: Figures) => judgeRounds({ before: [figures(100, 1)], after: [after] }).isSlower;
  assertEquals(isSlower(figures(95, 1.03)), false);
  assertEquals(isSlower(figures(94, 1)), true);
  assertEquals(isSlower(figures(100, 1.04)), true);
});

Deno.test("a build whose figures are missing counts as slower", () => {
  assertEquals(judgeRounds({ before: [], after: [] }).isSlower, true);
  assertEquals(judgeRounds({ before: [figures(1, NaN)], after: [figures(1, 1)] }).isSlower, true);
});

Deno.test("both builds run in every round, and the order is turned each time", async () => {
  const order: string[] = [];
  const comparable = {
    name: "order",
    measure: ({ name }: { readonly name: string }) => {
      order.push(name);
      return Promise.resolve(figures(1, 1));
    },
  };
  const build = (name: string) => ({ name, root: "/nowhere" });
  await compareBuilds([comparable], { before: build("old"), after: build("new") }, 3);
  assertEquals(order, ["old", "new", "new", "old", "old", "new"]);
});

Deno.test("builds that can run at once are measured in turn, and a round is what their turns come to", async () => {
  const order: string[] = [];
  const rates: Record<string, number[]> = { old: [100, 300], new: [200, 200] };
  const comparable = {
    name: "turns",
    turns: 2,
    start: ({ name }: { readonly name: string }) => {
      order.push(`${name} starts`);
      return Promise.resolve({
        measure: () => {
          order.push(name);
          return Promise.resolve(figures(rates[name]!.shift()!, 1));
        },
        [Symbol.asyncDispose]: () => {
          order.push(`${name} ends`);
          return Promise.resolve();
        },
      });
    },
  };
  const build = (name: string) => ({ name, root: "/nowhere" });
  const isSlower = await compareBuilds([comparable], { before: build("old"), after: build("new") }, 1);
  assertEquals(order, ["old starts", "new starts", "old", "new", "new", "old", "new ends", "old ends"]);
  assertEquals(isSlower, false);
});

Deno.test("what was to be gained since a revision is judged against that revision alone", async () => {
  const comparable = {
    name: "faster",
    gain: { since: "5fb4257", rate: 1.3, cpu: 0.7 },
    measure: ({ name }: { readonly name: string }) =>
      Promise.resolve(name === "new" ? figures(129, 0.7) : figures(100, 1)),
  };
  const build = (name: string, commit?: string) => ({ name, root: "/nowhere", ...(commit && { commit }) });
  const after = build("new");
  const isWorse = (commit: string) => compareBuilds([comparable], { before: build("old", commit), after }, 1);
  assertEquals(await isWorse("5fb4257d1f"), true);
  assertEquals(await isWorse("77f5244a02"), false);
  assertEquals(hasGained({ rate: 1.3, cpu: 0.7 }, comparable.gain), true);
  assertEquals(hasGained({ rate: 1.3, cpu: 0.71 }, comparable.gain), false);
  assertEquals(hasGained({ rate: NaN, cpu: 0.7 }, comparable.gain), false);
});

Deno.test("an output of a revision's benchmark that had bodies parsed takes their text, as others do", async () => {
  await using directory = await TempDir.create();
  await git(directory.path, "init", "--quiet");
  await Deno.mkdir(`${directory.path}/tests/bench/servers`, { recursive: true });
  await directory.writeText("tests/bench/servers/null.ts", 'const output = { reads: "json", maxBatch: 1 };');
  await directory.writeText("tests/bench/servers/raw.ts", 'const output = { reads: "bytes" };');
  await git(directory.path, "add", ".");
  await git(directory.path, "commit", "--quiet", "-m", "first");
  await using checkout = await checkOut("HEAD", directory.path);
  const program = (name: string) => Deno.readTextFile(`${checkout.root}/tests/bench/servers/${name}`);
  assertEquals(await program("null.ts"), 'const output = { reads: "text", maxBatch: 1 };');
  assertEquals(await program("raw.ts"), 'const output = { reads: "bytes" };');
});

Deno.test("a revision is checked out beside the repository, which stays as it is", async () => {
  await using directory = await TempDir.create();
  await git(directory.path, "init", "--quiet");
  await directory.writeText("version.txt", "first");
  await git(directory.path, "add", ".");
  await git(directory.path, "commit", "--quiet", "-m", "first");
  await directory.writeText("version.txt", "second");
  let root: string;
  {
    await using checkout = await checkOut("HEAD", directory.path);
    root = checkout.root;
    assertEquals(await Deno.readTextFile(`${root}/version.txt`), "first");
  }
  assertEquals(await Deno.readTextFile(directory.file("version.txt")), "second");
  await assertRejects(() => Deno.stat(root), Deno.errors.NotFound);
});

Deno.test("a revision that does not exist is named, and so is a benchmark that compares nothing", async () => {
  await assertRejects(() => checkOut("no-such-revision", THIS_BUILD.root), Error, "no-such-revision");
  const options = { seconds: 1, rounds: 1, connections: 1, systems: [], keys: 1 };
  await assertRejects(() => benchAgainst("memory", "HEAD", options), TypeError, "accept, durable");
});
