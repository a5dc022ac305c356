/**
 * The bodies of notices: JSON, or messages of services that show them to people.
 *
 * @module
 */

import { lineOf, type Notice, remainderOf } from "./notice.ts";
import type { NoticeFormat } from "./settings.ts";

/** Longest `text` of one block of Slack, in characters. */
const MAX_SLACK_TEXT = 3_000;

/** The body of a notice, a JSON document in each of the forms. */
export function bodyOf(notice: Notice, format: NoticeFormat): string {
  switch (format) {
    case "json":
      return JSON.stringify(notice);
    case "slack":
      return JSON.stringify(slackMessage(notice));
    case "teams":
      return JSON.stringify(teamsMessage(notice));
  }
}

/**
 * A message for an incoming webhook of Slack.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
function slackMessage(notice: Notice): unknown {
  const { title, items } = notice;
  const remainder = remainderOf(notice);
  const sections = items.map((item) => `*${escapeSlack(item.name)}*: ${escapeSlack(lineOf(item))}`);
  return {
    text: escapeSlack(title),
    blocks: [
      { type: "header", text: { type: "plain_text", text: title, emoji: false } },
      ...sections.map((text) => ({
        type: "section",
        text: { type: "mrkdwn", text: shortenedSlack(text), verbatim: true },
      })),
      ...(remainder === ""
        ? []
        : [{ type: "context", elements: [{ type: "plain_text", text: remainder, emoji: false }] }]),
    ],
  };
}

/** The three characters that mean something to Slack: without them no text is a link or calls for anybody. */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Not within an escaped character. */
function shortenedSlack(escaped: string): string {
  if (escaped.length <= MAX_SLACK_TEXT) return escaped;
  return escaped.slice(0, MAX_SLACK_TEXT).replace(/&[a-z]*$/, "");
}

/**
 * A message for a workflow of Teams that posts what a webhook gets. Runs of text know no Markdown, so that nothing
 * has to be escaped.
 *
 * @see https://adaptivecards.io/explorer/TextRun.html
 */
function teamsMessage(notice: Notice): unknown {
  const { title, items } = notice;
  const remainder = remainderOf(notice);
  return {
    type: "message",
    attachments: [{
      contentType: "application/vnd.microsoft.card.adaptive",
      contentUrl: null,
      content: {
        $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
        type: "AdaptiveCard",
        version: "1.4",
        msteams: { width: "Full" },
        body: [
          textOf([{ text: title, weight: "Bolder", size: "Medium" }]),
          ...items.map((item) =>
            textOf([{ text: `${item.name}: `, weight: "Bolder" }, { text: lineOf(item) }])
          ),
          ...(remainder === "" ? [] : [textOf([{ text: remainder, isSubtle: true }])]),
        ],
      },
    }],
  };
}

function textOf(runs: readonly Readonly<Record<string, unknown>>[]): unknown {
  return { type: "RichTextBlock", inlines: runs.map((run) => ({ type: "TextRun", ...run })) };
}
