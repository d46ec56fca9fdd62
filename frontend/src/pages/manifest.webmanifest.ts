// What a system shows of the page once it is installed.

import { fi } from "../lib/i18n/fi";
import { pathOf, type View } from "../lib/page/router";

/** Those of `public/icons/`, drawn from its `spark.svg`. */
const icon = (name: string, size: number, purpose: "any" | "maskable") => ({
  src: `/icons/${name}-${size}.png`,
  sizes: `${size}x${size}`,
  type: "image/png",
  purpose,
});

const shortcut = (view: View) => ({
  name: fi.views.names[view],
  url: pathOf(view),
  icons: [icon("icon", 192, "any")],
});

const manifest = {
  id: "/",
  name: fi.page.name,
  short_name: fi.page.name,
  description: fi.page.tagline,
  lang: "fi",
  dir: "ltr",
  start_url: "/",
  scope: "/",
  display: "standalone",
  background_color: "#0d1117",
  theme_color: "#0d1117",
  categories: ["developer", "productivity"],
  icons: [
    icon("icon", 192, "any"),
    icon("icon", 512, "any"),
    icon("maskable", 192, "maskable"),
    icon("maskable", 512, "maskable"),
  ],
  shortcuts: (["projects", "network", "compute", "guide"] as const).map(shortcut),
};

export function GET(): Response {
  return new Response(JSON.stringify(manifest, null, 2));
}
