/** What the page uses of preact/hooks. */

type Next<State> = State | ((before: State) => State);

export function useState<State>(first: State): [State, (next: Next<State>) => void];
export function useState<State>(): [State | undefined, (next: Next<State | undefined>) => void];
export function useEffect(effect: () => void | (() => void), inputs: readonly unknown[]): void;
export function useRef<Value>(first: Value): { current: Value };
export function useRef<Value>(first: null): { current: Value | null };
