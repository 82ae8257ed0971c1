// A plugin of TypeDoc. A setting's field in the reference has the text and the default of its line in docs/settings.md. The entry points
// have the names by which they are imported.
import { Comment, Converter } from 'typedoc';
import { defaultText } from '../../dist/src/cli/setting-options.js';
import { SETTINGS } from '../../dist/src/train/settings.js';
import { settingText } from '../settings-docs.mjs';

const IMPORTED = { src: 'parsimony-attention', 'bench/harness': 'parsimony-attention/bench' };

const SOURCE = 'src/train/settings.ts';

/** What TypeDoc calls. */
export function load({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const module of project.children) module.name = IMPORTED[module.name] ?? module.name;
  });
  converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    const [declaration] = context.getSymbolFromReflection(reflection)?.declarations ?? [];
    const setting = SETTINGS[reflection.name];
    if (reflection.comment || !setting || !declaration?.getSourceFile().fileName.endsWith(SOURCE)) return;
    const { what, standard } = settingText(setting, defaultText);
    const text = `${what.charAt(0).toUpperCase()}${what.slice(1)}.${standard && ` Default: ${standard}.`}`;
    reflection.comment = new Comment([{ kind: 'text', text: text.replaceAll('<', '&lt;') }]);
  });
}
