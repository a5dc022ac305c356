/**
 * Texts in packets of MQTT: topics, and names and values of properties. A broker closes the connection on one that
 * holds what the standard forbids, or only advises against (MQTT 5.0, section 1.5.4).
 *
 * @module
 */

import { headerText } from "../../event/header_text.ts";

/** Longest text, in bytes of UTF-8. */
export const MAX_MQTT_TEXT = 0xffff;

/** The most bytes that UTF-8 takes for one UTF-16 code unit. */
const MAX_UTF8 = 3;

const UNFIT = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;
const ALL_UNFIT = new RegExp(UNFIT, "gu");

/** Whether every broker takes a text. */
export function isMqttText(text: string): boolean {
  return text.isWellFormed() && !UNFIT.test(text);
}

/**
 * A received value as a text that every broker takes: what no text may hold becomes U+FFFD, and a value that would be
 * too long is cut.
 */
export function mqttText(value: string): string {
  const text = value.toWellFormed().replace(ALL_UNFIT, "\ufffd");
  return text.length * MAX_UTF8 <= MAX_MQTT_TEXT
    ? text
    : text.slice(0, Math.floor(MAX_MQTT_TEXT / MAX_UTF8)).toWellFormed();
}

/** As {@linkcode mqttText}, for a header. */
export function mqttHeaderText(value: string): string {
  return mqttText(headerText(value));
}
