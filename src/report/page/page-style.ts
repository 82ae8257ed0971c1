/**
 * Colours for light and for dark backgrounds. Those of series were found by search: any two differ by at least 28 in CIELAB for
 * normal sight and under simulated protanopia, deuteranopia and tritanopia, and each has a contrast of at least 3 with its
 * background.
 */
const COLOURS = `
:root {
  color-scheme: light dark;
  --background: #ffffff; --text: #1c1f23; --quiet: #555c66; --edge: #d5d9df; --soft: #f4f5f7;
  --green: #1c6b33; --red: #b3201f;
  --series-0: #222222; --series-1: #0319ad; --series-2: #ca8404; --series-3: #3c7359;
  --series-4: #925699; --series-5: #953308; --series-6: #0097ff; --series-7: #6b6b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #14181d; --text: #e6e8eb; --quiet: #a4abb5; --edge: #39404a; --soft: #1d2229;
    --green: #6fd08c; --red: #ff8a80;
    --series-0: #e8e8e8; --series-1: #6f5eff; --series-2: #dd5f0d; --series-3: #0b9362;
    --series-4: #b1509a; --series-5: #ffc97f; --series-6: #9ebdff; --series-7: #d4d43a;
  }
}
`;

/** The style of a picture in a page that is not ours. */
export const PICTURE_STYLE = `${COLOURS}
text { font: 12px system-ui, sans-serif; fill: var(--text); white-space: pre; }
.title { font-size: 14px; font-weight: 600; }
.caption { fill: var(--quiet); }
.plot { color: var(--text); }
`;

/** The page's style. */
export const STYLE = `${COLOURS}* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 1400px; background: var(--background); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: clamp(1.45rem, 1.1rem + 1.6vw, 2.3rem); line-height: 1.2; margin: 0.2rem 0 0.5rem; max-width: 32em; text-wrap: balance; }
h2 { font-size: 1.35rem; margin: 2.2rem 0 0.5rem; }
h3 { font-size: 1.1rem; margin: 1.4rem 0 0.5rem; }
h4 { font-size: 1rem; line-height: 1.3; margin: 0 0 0.5rem; }
p { margin: 0.4rem 0; max-width: 70em; }
.eyebrow { color: var(--quiet); margin: 0; }
.lead { font-size: 1.1rem; }
.facts { margin: 0.8rem 0 1rem; display: grid; gap: 0.4rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.facts > div { border-left: 3px solid var(--edge); padding-left: 0.7rem; }
dt { color: var(--quiet); font-size: 0.9rem; }
dd { margin: 0; }
.green { color: var(--green); }
.red { color: var(--red); }
.figures { display: grid; gap: 1.2rem; grid-template-columns: minmax(0, 34rem); }
@media (min-width: 52rem) { .figures { grid-template-columns: repeat(2, minmax(0, 34rem)); } }
figure { margin: 0; padding: 0.9rem; border: 1px solid var(--edge); border-radius: 6px; min-width: 0; display: flex; flex-direction: column; }
svg.plot { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { white-space: pre; }
.legend { list-style: none; margin: 0.5rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; font-size: 0.85rem; }
.legend svg { vertical-align: -2px; }
figcaption { color: var(--quiet); font-size: 0.9rem; line-height: 1.4; }
.scroll { overflow-x: auto; margin: 0.8rem 0 1.4rem; border: 1px solid var(--edge); border-radius: 6px; max-width: max-content; }
.scroll { background: linear-gradient(to right, var(--background) 30%, transparent) left / 3rem 100% no-repeat local, linear-gradient(to left, var(--background) 30%, transparent) right / 3rem 100% no-repeat local, linear-gradient(to right, rgb(0 0 0 / 0.28), transparent) left / 0.8rem 100% no-repeat scroll, linear-gradient(to left, rgb(0 0 0 / 0.28), transparent) right / 0.8rem 100% no-repeat scroll; }
.downloads { margin: -1.1rem 0 1.4rem; display: flex; gap: 0.4rem; }
figure .downloads { margin: 0.5rem 0 0; }
.downloads button { font: inherit; font-size: 0.75rem; line-height: 1.3; padding: 0.1rem 0.5rem; color: var(--quiet); background: none; border: 1px solid var(--edge); border-radius: 4px; cursor: pointer; }
.downloads button:hover { color: var(--text); border-color: var(--quiet); }
.scroll:focus-visible, .downloads button:focus-visible, pre:focus-visible, summary:focus-visible { outline: 3px solid var(--series-6); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; font-weight: 600; padding: 0.5rem 0.6rem; }
.scroll caption { width: max-content; max-width: min(100vw - 3rem, 70rem); position: sticky; left: 0; }
th, td { padding: 0.25rem 0.6rem; border-top: 1px solid var(--edge); text-align: left; }
.scroll td { white-space: nowrap; }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; }
.scroll thead th { vertical-align: bottom; background: var(--soft); white-space: normal !important; min-width: 5.5rem; }
.words thead th { white-space: nowrap !important; }
.scroll th:first-child { position: sticky; left: 0; background: var(--soft); white-space: nowrap; }
.scroll tbody tr:hover td { background: var(--soft); }
.wrapping th { vertical-align: top; width: 11rem; font-weight: 500; color: var(--quiet); }
.wrapping td { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 0.7rem; background: var(--soft); border: 1px solid var(--edge); border-radius: 6px; overflow-wrap: normal; }
summary { cursor: pointer; padding: 0.4rem 0; font-weight: 600; }
@media print { .downloads { display: none; } }
@media (max-width: 30rem) { .scroll th:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 6rem; max-width: 38vw; } .wrapping th { width: 7rem; } figure { padding: 0.6rem; } }
`;
