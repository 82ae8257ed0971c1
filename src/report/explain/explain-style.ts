/** The style of the pictures of an explanation, added to the style of every page. */
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
.tagged { display: flex; flex-wrap: wrap; gap: 0.35rem 0.3rem; margin: 0.3rem -0.3rem; padding: 0.7rem 0.3rem 0.3rem; max-height: max(16rem, 50vh); overflow-y: auto; }
.word { position: relative; display: inline-flex; flex-direction: column; align-items: center; padding: 0.1rem 0.35rem 0.15rem; border: 1px solid var(--edge); border-bottom-width: 3px; border-radius: 5px; font-size: 1.05rem; line-height: 1.3; max-width: 100%; overflow-wrap: anywhere; }
.word .tag { font-size: 0.7rem; color: var(--quiet); letter-spacing: 0.02em; }
.word.special { color: var(--quiet); justify-content: center; font-size: 0.85rem; }
.word:focus-visible { outline: 3px solid var(--series-6); outline-offset: 1px; }
main .scroll { position: relative; }
.rule-matrix td { color: var(--quiet); padding: 0.1rem 0.25rem; text-align: center; min-width: 1.6rem; }
.rule-matrix thead th { min-width: 0; padding: 0.3rem 0.2rem; text-align: left; }
.rule-matrix thead th > span:not(.spoken) { writing-mode: vertical-rl; transform: rotate(180deg); }
.rule-matrix th { font-weight: 500; }
.rule-matrix .elsewhere { color: var(--quiet); font-weight: 400; }
.rule-matrix td.rule-hard { color: var(--hard); }
.rule-matrix td.rule-soft { color: var(--soft-pair); }
svg .row-mark { fill: none; stroke: var(--text); stroke-width: 1.2; pointer-events: none; }
svg .shades path { fill: none; stroke: var(--hard); stroke-width: 1.02; shape-rendering: crispEdges; }
svg.scale rect { fill: var(--hard); }
svg .shade-0 { stroke-opacity: 0.05; fill-opacity: 0.05; }
svg .shade-1 { stroke-opacity: 0.14; fill-opacity: 0.14; }
svg .shade-2 { stroke-opacity: 0.25; fill-opacity: 0.25; }
svg .shade-3 { stroke-opacity: 0.37; fill-opacity: 0.37; }
svg .shade-4 { stroke-opacity: 0.5; fill-opacity: 0.5; }
svg .shade-5 { stroke-opacity: 0.65; fill-opacity: 0.65; }
svg .shade-6 { stroke-opacity: 0.82; fill-opacity: 0.82; }
svg .shade-7 { stroke-opacity: 1; fill-opacity: 1; }
svg .arc-0, svg .arc-1, svg .arc-2, svg .arc-3 { fill: none; stroke: var(--hard); }
svg .arc-0 { stroke-width: 0.6; stroke-opacity: 0.35; }
svg .arc-1 { stroke-width: 1.2; stroke-opacity: 0.6; }
svg .arc-2 { stroke-width: 2; stroke-opacity: 0.8; }
svg .arc-3 { stroke-width: 3; }
svg .words-of-arcs { fill: var(--text); font-size: 12px; }
.looking .arcs { opacity: 0.15; }
.looking .arcs-of-word path { stroke: var(--tile); stroke-opacity: 1; }
main .figures { align-items: start; }
.heads { min-width: 0; border: 0; padding: 0; margin: 0; }
.heads legend { font-weight: 600; padding: 0; }
.heads td { text-align: center; padding: 0; }
.heads thead th, .heads thead td { min-width: 3.4rem; text-align: center; }
.heads label { display: block; padding: 0.35rem; }
.heads input { width: 1.15rem; height: 1.15rem; margin: 0; }
.heads input:focus-visible { outline: 3px solid var(--series-6); outline-offset: 2px; }
#word-status { min-height: 3em; margin: 0; }
.cut { border-left: 3px solid var(--red); padding-left: 0.7rem; }
.word .sign { position: absolute; top: -0.5em; right: 0.1em; font-weight: 700; font-size: 0.85rem; }
.word.for { border-bottom-color: var(--for); }
.word.against { border-bottom-color: var(--against); border-bottom-style: dashed; }
.word.for .sign { color: var(--for); }
.word.against .sign { color: var(--against); }
.word.level-1 { border-bottom-width: 3px; }
.word.level-2 { border-bottom-width: 4px; }
.word.level-3 { border-bottom-width: 5px; }
.word.level-4 { border-bottom-width: 6px; }
.word.level-5 { border-bottom-width: 7px; }
.looking .word[data-sees="absent"] { opacity: 0.4; }
.looking .word[data-sees="hard"] { outline: 2px solid var(--hard); }
.looking .word[data-sees="soft"] { outline: 2px dashed var(--soft-pair); }
.looking .word[data-sees="plain"] { outline: 1px solid var(--plain); }
.looking .word:focus-visible { outline: 3px solid var(--series-6); }
.word::before { content: ""; position: absolute; left: 0; bottom: 0; width: 100%; height: var(--given, 0%); background: var(--hard); opacity: 0.25; pointer-events: none; }
.word[data-given]:not([data-given=""])::after { content: attr(data-given); position: absolute; bottom: 100%; left: 50%; translate: -50% 35%; font-size: 0.68rem; padding: 0 0.2rem; background: var(--background); border: 1px solid var(--edge); border-radius: 3px; white-space: nowrap; z-index: 1; pointer-events: none; }
`;
