/**
 * The console: who has signed in, and which view the address names.
 *
 * @module
 */

import { render, type VNode } from "./library.ts";
import { useEffect, useState } from "./library.ts";
import { get, post, signOut, whenSignedOut } from "./api.ts";
import { page } from "./browser.ts";
import { html, textOf } from "./parts.ts";
import { Changes } from "./views/changes.ts";
import { DeadLetters } from "./views/dead_letters.ts";
import { Events, EventView } from "./views/events.ts";
import { Now } from "./views/now.ts";
import { Channels, ConnectionsView } from "./views/places.ts";
import { Problems, Unknown } from "./views/problems.ts";
import { Requests } from "./views/requests.ts";
import { WebhookView } from "./views/webhook.ts";
import { Webhooks } from "./views/webhooks.ts";

/** Who has signed in. */
interface Person {
  readonly name: string;
  readonly role: string;
  readonly namespaces: readonly string[];
}

/** The views by the first part of their addresses. */
const VIEWS: readonly (readonly [path: string, name: string])[] = [
  ["now", "Now"],
  ["webhooks", "Webhooks"],
  ["requests", "Requests"],
  ["events", "Events"],
  ["dead-letters", "Dead letters"],
  ["connections", "Connections"],
  ["channels", "Channels"],
  ["problems", "Configuration"],
  ["unknown", "Unknown paths"],
  ["changes", "Changes"],
];

function Console(): VNode {
  const [person, setPerson] = useState<Person | null>();
  const [address, setAddress] = useState(location.hash);
  useEffect(() => {
    whenSignedOut(() => setPerson(null));
    addEventListener("hashchange", () => setAddress(location.hash));
    get<Person | undefined>("/admin/session").then((who) => setPerson(who ?? null), () => setPerson(null));
  }, []);
  const [path, search] = splitAddress(address);
  const [first = "now"] = path;
  useEffect(() => {
    page.title = `${VIEWS.find(([name]) => name === first)?.[1] ?? "Console"} – webhook gateway`;
    page.getElementById("view")?.focus();
  }, [address, person]);
  if (person === undefined) return html`<p class="quiet">Loading …</p>`;
  if (person === null) return html`<${SignIn} onSignedIn=${setPerson} />`;
  return html`
    <a class="skip" href="#view" onClick=${skip}>To the view</a>
    <header>
      <strong>Webhook gateway</strong>
      <nav aria-label="Views">
        ${VIEWS.map(([name, label]) =>
          html`<a href=${`#/${name}`} aria-current=${name === first ? "page" : null}>${label}</a>`
        )}
      </nav>
      <span
        class="person">${person.name}, ${person.role} <button type="button" onClick=${() =>
          signOut()}>Sign out</button></span>
    </header>
    <main id="view" tabindex="-1">${viewOf(first, path.slice(1), search)}</main>
  `;
}

/** The hash is the address of a view: it is not to be changed. */
function skip(event: Event): void {
  event.preventDefault();
  page.getElementById("view")?.focus();
}

function splitAddress(address: string): [path: string[], search: URLSearchParams] {
  const [path = "", search = ""] = address.replace(/^#\/?/, "").split("?");
  return [path.split("/").filter((part) => part !== "").map(decodeURIComponent), new URLSearchParams(search)];
}

function viewOf(name: string, rest: readonly string[], search: URLSearchParams): unknown {
  const webhook = search.get("webhook") ?? undefined;
  switch (name) {
    case "webhooks":
      return rest.length < 2
        ? html`<${Webhooks} />`
        : html`<${WebhookView} key=${rest.join("/")} path=${rest.join("/")} />`;
    case "requests":
      return html`<${Requests} />`;
    case "events":
      return rest[0] === undefined
        ? html`<${Events} webhook=${webhook} />`
        : html`<${EventView} id=${rest[0]} />`;
    case "dead-letters":
      return html`<${DeadLetters} webhook=${webhook} />`;
    case "connections":
      return html`<${ConnectionsView} />`;
    case "channels":
      return html`<${Channels} />`;
    case "problems":
      return html`<${Problems} />`;
    case "changes":
      return html`<${Changes} />`;
    case "unknown":
      return html`<${Unknown} />`;
    default:
      return html`<${Now} />`;
  }
}

function SignIn({ onSignedIn }: { readonly onSignedIn: (person: Person) => void }): VNode {
  const [token, setToken] = useState("");
  const [error, setError] = useState<string>();
  const signIn = async (event: Event) => {
    event.preventDefault();
    try {
      onSignedIn(await post<Person>("/admin/session", { token }));
    } catch (thrown) {
      setError(textOf(thrown));
    }
  };
  return html`
    <main class="sign-in" id="view" tabindex="-1">
      <h1>Webhook gateway</h1>
      <form onSubmit=${signIn}>
        <input class="hidden" type="text" autocomplete="username" value="admin" readonly tabindex="-1" aria-hidden="true" />
        <label>Admin token
          <input
            type="password"
            autocomplete="current-password"
            required
            value=${token}
            onInput=${(event: Event) =>
              setToken((event.target as unknown as { readonly value: string }).value)}
          />
        </label>
        <button type="submit">Sign in</button>
        ${error === undefined ? null : html`<p class="error" role="alert">${error}</p>`}
      </form>
    </main>
  `;
}

render(html`<${Console} />`, page.getElementById("console"));
