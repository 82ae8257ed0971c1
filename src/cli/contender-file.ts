import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Contender, checkedContender } from '../../bench/contender.js';
import { CallerError, messageOf } from '../base/errors.js';

/** The contenders of JavaScript modules: their default exports. @throws CallerError where one cannot be loaded, or two have one name. */
export async function readContenders(files: readonly string[]): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const file of files) {
    const module = await import(pathToFileURL(resolve(file)).href).catch((cause: unknown) => {
      throw new CallerError(
        {
          what: `the module cannot be loaded (${messageOf(cause)})`,
          where: `--contender ${file}`,
          expected: 'a JavaScript module whose default export is a contender (docs/benchmark-your-own.md)',
        },
        { cause },
      );
    });
    const contender = checkedContender(module.default, `the default export of ${file}`);
    if (contenders.some(({ name }) => name === contender.name)) {
      throw new CallerError({
        what: `a second contender "${contender.name}"`,
        where: `--contender ${file}`,
        expected: 'another name',
      });
    }
    contenders.push(contender);
  }
  return contenders;
}
