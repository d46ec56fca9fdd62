// Projects where something goes wrong: reloads, machines and hubs that are lost, hostile answers, browsers that keep nothing.

import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { IDEA, PART_OF_A_WAIT, projectSteps } from "./project-steps";
import { smallDisk } from "./surroundings";

const bench = new Bench();
const { press, see, file, code, script, open, begin, untilRun, finished, downloaded, reload } =
  projectSteps(bench);

describe("a project that is interrupted", () => {
  it("goes on by itself after a reload in the middle", async () => {
    let held = true;
    script({
      but: (asked) =>
        held && asked.is === "write" && asked.path === "pyproject.toml" ? { chat: "hangs" } : null,
    });
    await begin();
    await file("main.py").first().waitFor();
    await expect.poll(() => file("main.py").first().innerText()).toContain("valmis");
    await see("kirjoitetaan");
    const before = bench.hub.prompts.length;
    held = false;
    await reload();
    await untilRun("valmis");
    const plans = bench.hub.prompts
      .slice(before)
      .filter(({ messages }) => JSON.stringify(messages).includes("List the project"));
    expect(plans).toEqual([]);
  });

  it("goes on whichever view the page is reloaded with", async () => {
    let held = true;
    script({ but: () => (held ? { chat: "hangs" } : null) });
    await begin();
    await untilRun("käynnissä");
    held = false;
    await bench.page.goto(`${bench.hub.url}/settings/`);
    await expect.poll(() => bench.hub.prompts.length, { timeout: PART_OF_A_WAIT }).toBeGreaterThan(5);
  });

  it("waits for a node that is lost, and says so", async () => {
    script({ but: (asked, times) => (asked.is === "plan" && times === 1 ? { chat: "breaks" } : null) });
    await begin();
    await untilRun("valmis");
    await see("Kone katosi kesken vastauksen, ja toiselta pyydettiin sama.");
    bench.hub.orders.nodes = 0;
    bench.hub.orders.script = () => ({ chat: "refuses" });
    await file("main.py").first().click();
    await press("Kirjoita uudelleen");
    await bench.page.getByLabel("Mitä pitäisi muuttaa?").fill("lyhyempi");
    await press("Kirjoita");
    await see(/Odotetaan konetta/);
    await untilRun("odottaa");
    await lookAt(bench.page, PICTURES, "projects-waiting");
    await press("Suomi");
    bench.hub.orders.nodes = 1;
    script({ file: () => "short = True\n" });
    await untilRun("valmis");
    await expect.poll(() => code().innerText()).toContain("short = True");
    expect(JSON.stringify(bench.hub.prompts.at(-1))).toContain("lyhyempi");
  });

  it("waits for a hub that is away", async () => {
    script({ but: (asked) => (asked.is === "review" ? { chat: "hangs" } : null) });
    await begin();
    await see("Tarkastetaan, toimivatko tiedostot yhdessä");
    bench.hub.orders.gone = true;
    bench.hub.cut();
    await see(/Odotetaan yhteyttä keskukseen/);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    script();
    bench.hub.orders.gone = false;
    await untilRun("valmis");
  });

  it("says so where the hub has no pipeline", async () => {
    script();
    await finished();
    bench.hub.orders.pipeline = false;
    await reload();
    await file("main.py").first().click();
    await press("Kirjoita uudelleen");
    await press("Kirjoita");
    await see(/ei ole projektien moottoria/);
    await open();
    await bench.page.getByLabel("Idea").fill("x");
    await press("Aloita");
    await see(/Projektia ei voitu aloittaa/);
  });
});

describe("hostile answers", () => {
  it("are text and nothing else", async () => {
    const evil = '<script>document.title = "x"</script><img src=x onerror="document.title=1">';
    script({
      file: () => `${evil}\nprint(1)\n`,
      risks: `${evil}\n\n[a](javascript:alert(1))`,
      review: () => `ISSUE: app/main.py: ${evil}`,
    });
    await finished();
    await file("main.py").first().click();
    await expect.poll(() => code().innerText()).toContain("<script>");
    expect(await bench.page.title()).toBe("Projektit – Kipinä");
    expect(await bench.page.locator("main script, main img").count()).toBe(0);
  });

  it("of a line without end, or of the same again and again, end the work with a sentence", async () => {
    script({ file: () => "A".repeat(1_000_000) });
    await begin();
    await untilRun("kesken");
    await see(/vastaus ei päättynyt/);
    script({ file: () => "print('again')\n".repeat(400) });
    await press("Yritä uudelleen");
    await see(/vastaus toisti itseään/);
    await untilRun("kesken");
  });
});

describe("a browser", () => {
  it("whose storage is full keeps the work in memory, says so, and lets it be downloaded", async () => {
    script({
      file: (path) => `"""${path}"""\n${"x = 1  # a long line of text that fills the storage\n".repeat(3)}`,
    });
    await open();
    await smallDisk(bench.page, bench.hub.url);
    await bench.page.evaluate(async () => {
      const opening = indexedDB.open("filler", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("pieces", { autoIncrement: true });
      await new Promise((resolve) => (opening.onsuccess = resolve));
      const fits = (bytes: number): Promise<boolean> => {
        const transaction = opening.result.transaction("pieces", "readwrite");
        transaction.objectStore("pieces").put(crypto.getRandomValues(new Uint8Array(bytes)));
        return new Promise((resolve) => {
          transaction.oncomplete = () => {
            resolve(true);
          };
          transaction.onabort = () => {
            resolve(false);
          };
        });
      };
      // To the last bytes: a whole project may fit where a large piece no longer does.
      for (const bytes of [60_000, 6_000, 600, 60]) {
        for (let n = 0; n < 20 && (await fits(bytes)); n += 1);
      }
    });
    await bench.page.getByLabel("Idea").fill(`${IDEA} ${"pitkä selitys ".repeat(100)}`);
    await press("Aloita");
    await untilRun("valmis");
    await see(/tallennustila on täynnä/);
    const kept = await downloaded("Lataa projekti");
    expect(kept.suggestedFilename()).toMatch(/\.kipina\.json$/);
  });

  it("that keeps nothing works all the same", async () => {
    await bench.page.addInitScript(() => {
      indexedDB.open = () => {
        throw new DOMException("no", "SecurityError");
      };
    });
    script();
    await finished();
    await see(/ei salli tallentamista/);
    await lookAt(bench.page, PICTURES, "projects-forbidden");
  });
});
