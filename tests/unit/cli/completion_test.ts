import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { COMMANDS, SHELLS } from "../../../src/cli/commands.ts";
import { completionScript } from "../../../src/cli/completion.ts";
import { helpText } from "../../../src/cli/help.ts";
import { StartupError } from "../../../src/errors.ts";

/** What bash offers with the cursor at the end of the words. */
async function completions(...words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `${completionScript(["bash"])}
COMP_WORDS=(cwm ${quoted}); COMP_CWORD=${words.length}; _cwm; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout } = await new Deno.Command("bash", { args: ["-e", "-c", script] }).output();
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

Deno.test("bash completes commands, their actions and their options", async () => {
  assertEquals(await completions("de"), ["dead-letters"]);
  assertEquals(await completions("dead-letters", "re"), ["replay"]);
  assertEquals(await completions("events", "re"), ["replay"]);
  assertEquals(await completions("events", "replay", "--state", "wa"), ["waiting"]);
  assertEquals(await completions("migrate", "--f"), ["--from"]);
  assertEquals(await completions("completion", ""), [...SHELLS]);
  assertEquals(await completions("serve", "x"), []);
  assertEquals(await completions("test", "cases.json", "--j"), ["--json"]);
});

Deno.test("bash completes the values of options, and no action after an action", async () => {
  assertEquals(await completions("migrate", "--from", ""), ["file", "etcd"]);
  assertEquals(await completions("migrate", "--from", "file", "--to", "e"), ["etcd"]);
  assertEquals(await completions("dead-letters", "--webhook", "l"), []);
  assertEquals(await completions("dead-letters", "list", "l"), []);
  assertEquals(await completions("dead-letters", "list", "--ol"), ["--older-than"]);
});

Deno.test("the completion of every shell knows every command and every option", () => {
  for (const { name, options } of COMMANDS) {
    assertStringIncludes(helpText(), `  ${name} `);
    for (const shell of SHELLS) {
      const script = completionScript([shell]);
      assertStringIncludes(script, name);
      for (const option of options) assertStringIncludes(script, option.name);
    }
  }
});

Deno.test("cwm completion without a shell that it knows says which there are", () => {
  for (const args of [[], ["powershell"], ["bash", "zsh"]]) {
    const { problems } = assertThrows(() => completionScript(args), StartupError);
    assertEquals(problems[0], "Usage: cwm completion bash|zsh|fish");
  }
});
