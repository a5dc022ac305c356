import type { Letter } from "./verdict.ts";

/** All dead letters that a gateway lists. @param token of its operators */
export async function readLetters(url: string, token: string): Promise<readonly Letter[]> {
  const letters: Letter[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await fetch(`${url}/admin/dead-letters?limit=1000${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = await answer.json() as { dead_letters: Letter[]; cursor: string | null };
    letters.push(...page.dead_letters);
    cursor = page.cursor;
  }
  return letters;
}
