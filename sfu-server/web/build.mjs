// Bundles the page into dist/, which the server embeds and serves at `/`.
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await rm(here('dist'), { recursive: true, force: true });
await mkdir(here('dist'), { recursive: true });
await build({
  entryPoints: [{ in: here('src/main.ts'), out: 'app' }, { in: here('src/app.css'), out: 'app' }],
  outdir: here('dist'),
  bundle: true,
  format: 'iife',
  // The oldest engines that the call itself works in.
  target: ['chrome100', 'firefox102', 'safari15.4'],
  minify: true,
  legalComments: 'eof',
  logLevel: 'warning',
});
await copyFile(here('src/index.html'), here('dist/index.html'));
