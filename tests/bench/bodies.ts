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

/**
 * Events of one shop, alike and each different, of 1,024 bytes: what packs of one sender's events hold.
 *
 * @param count how many there are before they repeat
 */
export function orderBodies(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const body = JSON.stringify({
      id: `evt_${hash(index * 7)}`,
      type: "order.paid",
      created: new Date(Date.UTC(2026, 0, 2, 3, 4, index)).toISOString(),
      customer: {
        id: hash(index * 7 + 1),
        email: `customer-${index * 37 % 1009}@example.com`,
        locale: "de-DE",
      },
      amount: { value: (index * 7919 % 100_000) / 100, currency: "EUR" },
      lines: [2, 3, 4, 5].map((line) => ({
        sku: hash(index * 7 + line).slice(0, 12),
        quantity: 1 + index * line % 4,
        price: index * 31 * line % 9_973,
        description: "A thing of the shop, in the colour that was chosen",
      })),
      signature: hash(index * 7 + 6),
      note: "",
    });
    return body.slice(0, -2) + "-".repeat(ORDER_BYTES - body.length) + body.slice(-2);
  });
}

/** The length of each of {@linkcode orderBodies}. */
export const ORDER_BYTES = 1024;

/** 40 digits, different in each, as hashes are: what repeats would compress better than any real event. */
function hash(index: number): string {
  return Array.from(
    { length: 5 },
    (_, part) => Math.imul(index + 1, 0x9e3779b1 + part * 0x85ebca6b) >>> 0,
  )
    .map((word) => word.toString(16).padStart(8, "0")).join("");
}

function commit(_: unknown, index: number): unknown {
  const id = hash(index);
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
