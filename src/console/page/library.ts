/**
 * The libraries of the page.
 *
 * @module
 */

// @ts-types="./types/htm.d.ts"
export { default as htm } from "htm";
// @ts-types="./types/preact.d.ts"
export { h, render, type VNode } from "preact";
// @ts-types="./types/hooks.d.ts"
export { useEffect, useRef, useState } from "preact/hooks";
// @ts-types="./types/uplot.d.ts"
export { default as UPlot } from "uplot";
