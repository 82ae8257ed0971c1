/** What the pictures of an explanation need beside the style of every page. */
export const EXPLAIN_STYLE = `
:root { --hard: #0319ad; --soft-pair: #b86e00; --plain: #8d949e; --tile: #b3201f; --for: #1c6b33; --against: #b3201f; }
@media (prefers-color-scheme: dark) {
  :root { --hard: #8d9dff; --soft-pair: #ffb545; --plain: #6d7580; --tile: #ff8a80; --for: #6fd08c; --against: #ff8a80; }
}
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.quiet { color: var(--quiet); font-size: 0.9rem; }
.pair-picture h3 { font-size: 1rem; line-height: 1.3; margin: 0 0 0.5rem; }
svg .frame { fill: var(--soft); stroke: var(--edge); stroke-width: 0.5; vector-effect: non-scaling-stroke; }
svg .pairs { fill: none; stroke-width: 1; shape-rendering: crispEdges; }
svg .kind-1 { stroke: var(--hard); }
svg .kind-2 { stroke: var(--soft-pair); stroke-width: 0.5; }
svg .kind-3 { stroke: var(--plain); stroke-opacity: 0.55; }
svg .run-lines { stroke: var(--background); stroke-width: 0.8; fill: none; }
svg .tile { fill: none; stroke: var(--tile); stroke-width: 1.2; }
svg .tiles g:hover .tile { stroke-width: 3; }
svg .tiles rect { pointer-events: all; }
svg .padding { fill: var(--tile); fill-opacity: 0.16; }
svg .labels path { stroke: var(--quiet); stroke-width: 0.6; fill: none; }
svg .labels text, svg .axis { fill: var(--text); font-size: 10.5px; }
svg .axis { fill: var(--quiet); }
.tagged { display: flex; flex-wrap: wrap; gap: 0.35rem 0.3rem; margin: 0.6rem 0; }
.word { position: relative; display: inline-flex; flex-direction: column; align-items: center; padding: 0.1rem 0.35rem 0.15rem; border: 1px solid var(--edge); border-bottom-width: 3px; border-radius: 5px; font-size: 1.05rem; line-height: 1.3; max-width: 100%; overflow-wrap: anywhere; }
.word .tag { font-size: 0.7rem; color: var(--quiet); letter-spacing: 0.02em; }
.word.special { color: var(--quiet); justify-content: center; font-size: 0.85rem; }
.word:focus-visible { outline: 3px solid var(--series-6); outline-offset: 1px; }
.rule-matrix td { padding: 0.1rem 0.25rem; text-align: center; min-width: 1.6rem; }
.rule-matrix thead th { min-width: 0; padding: 0.3rem 0.2rem; text-align: left; }
.rule-matrix thead th > span:not(.spoken) { writing-mode: vertical-rl; transform: rotate(180deg); }
.rule-matrix th { font-weight: 500; }
.rule-matrix .elsewhere { color: var(--quiet); font-weight: 400; }
.rule-matrix td.rule-hard { color: var(--hard); }
.rule-matrix td.rule-soft { color: var(--soft-pair); }
.rule-matrix td.rule-absent { color: var(--quiet); }
`;
