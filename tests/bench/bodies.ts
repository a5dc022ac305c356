/** The smallest event, as of a push to a repository: 161 bytes. */
export const PUSH_BODY = JSON.stringify({
  action: "push",
  repository: { id: 12345, name: "myapp", full_name: "org/myapp" },
  sender: { login: "octocat", id: 583231 },
  ref: "refs/heads/main",
  number: 1234,
});

/** A small event, as of a push to a repository: 196 bytes. */
export const SMALL_BODY = JSON.stringify({
  action: "push",
  repository: { id: 12345, name: "myapp", full_name: "org/myapp" },
  sender: { login: "octocat", id: 583231 },
  ref: "refs/heads/main",
  number: 12341234,
  created: false,
  forced: false,
});

/** A larger one of the same kind, with its commits: 19 KB. */
export const LARGE_BODY = JSON.stringify({
  ...JSON.parse(SMALL_BODY),
  commits: Array.from({ length: 44 }, commit),
});

function commit(_: unknown, index: number): unknown {
  // Different in each, as hashes are: what repeats all the time would compress better than any real event.
  const id = Array.from(
    { length: 5 },
    (_, part) => Math.imul(index + 1, 0x9e3779b1 + part * 0x85ebca6b) >>> 0,
  )
    .map((word) => word.toString(16).padStart(8, "0")).join("");
  return {
    id,
    message: `Change number ${index}\n\nWith a reason in its second paragraph`,
    timestamp: new Date(Date.UTC(2026, 0, 2, 3, 4, index)).toISOString(),
    url: `https://git.example.com/org/myapp/commit/${id}`,
    author: { name: "Octo Cat", email: "octocat@example.com", username: "octocat" },
    added: [`src/file_${index}.ts`],
    removed: [],
    modified: ["README.md", "src/main.ts"],
    lines: [index * 37 % 101, index * 91 % 103, 0.5 * index],
  };
}
