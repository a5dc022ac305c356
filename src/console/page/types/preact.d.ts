/** What the page uses of preact. Its own types bring those of browsers along, which do not go with the runtime's. */

export interface VNode {
  readonly type: unknown;
  readonly props: unknown;
}

export function h(type: unknown, props: unknown, ...children: unknown[]): VNode;
export function render(node: VNode, into: unknown): void;
