/**
 * What the page uses of a browser. The types of browsers and of the runtime do not go together in one program.
 *
 * @module
 */

/** An element, as far as the page looks at it. */
export interface PageElement {
  focus(): void;
  readonly clientWidth: number;
}

interface PageDocument {
  title: string;
  readonly visibilityState: "visible" | "hidden";
  getElementById(id: string): PageElement | null;
}

interface PageNavigator {
  readonly clipboard?: { writeText(text: string): Promise<void> };
}

/** The page. */
export const page: PageDocument = (globalThis as unknown as { readonly document: PageDocument }).document;

/** Puts a text where it can be pasted from. @returns whether the browser let it */
export async function copyText(text: string): Promise<boolean> {
  try {
    await (navigator as unknown as PageNavigator).clipboard?.writeText(text);
    return true;
  } catch {
    return false;
  }
}
