import { expect, it } from "vitest";

import { stylesOf, usedStyles, withStylesheet } from "./frame-styles";

const css = `body{margin:0}p.svelte-aaa1,p.svelte-bbb2{color:red}h1.svelte-bbb2{color:blue}
@media (width<40rem){a.svelte-bbb2{color:red}}@media print{a.svelte-aaa1{color:red}}
@keyframes svelte-bbb2-spin{to{rotate:1turn}}@keyframes svelte-aaa1-spin{to{rotate:1turn}}`;

it("keeps what the page's own elements can use", () => {
  const used = usedStyles(css, '<p class="svelte-aaa1">');
  expect(used.replaceAll("\n", "")).toBe(
    "body{margin:0}p.svelte-aaa1{color:red}@media print{a.svelte-aaa1{color:red}}" +
      "@keyframes svelte-aaa1-spin{to{rotate:1turn}}",
  );
});

it("names one stylesheet instead of all", () => {
  const page =
    '<head><title>K</title><link rel="stylesheet" href="/a.css">\n<link rel="stylesheet" href="/b.css"><script src="/c.js"></script></head><style>i{}</style>';
  expect(stylesOf(page)).toEqual([{ path: "/a.css" }, { path: "/b.css" }, { text: "i{}" }]);
  expect(withStylesheet(page, "/f.css")).toBe(
    '<head><title>K</title><link rel="stylesheet" href="/f.css"><script src="/c.js"></script></head>',
  );
});
