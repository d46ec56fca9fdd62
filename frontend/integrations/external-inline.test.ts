import { expect, it } from "vitest";

import { extractInline } from "./external-inline";

it("moves inline code into files, and leaves the rest of the page alone", () => {
  const page =
    '<style>a{}</style><script>one()</script><script type="module" src="/two.js"></script><p>three</p>';
  const { html, files } = extractInline(page);
  expect(html).toMatch(
    /^<link rel="stylesheet" href="\/_astro\/inline\.\w{8}\.css"><script src="\/_astro\/inline\.\w{8}\.js"><\/script><script type="module" src="\/two\.js"><\/script><p>three<\/p>$/,
  );
  expect([...files.values()].sort()).toEqual(["a{}", "one()"]);
});
