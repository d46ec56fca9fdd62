// Projects as a person meets them: from an idea to a ZIP, and everything that may go wrong on the way.

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Download, Page } from "playwright-core";
import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { smallDisk } from "./surroundings";
import { PLAN, teamScript, type Script } from "./team-script";

const bench = new Bench();

const IDEA = "Tehtävälista, jossa tehtäviä voi lisätä ja poistaa";

const button = (name: string, page = bench.page) => page.getByRole("button", { name, exact: true });
const press = (name: string, page = bench.page) => button(name, page).click();
const see = (words: string | RegExp, page = bench.page) => page.getByText(words).first().waitFor();
const file = (name: string, page = bench.page) =>
  page.getByRole("navigation", { name: "Tiedostot" }).getByRole("button", { name });
const badge = (page = bench.page) => page.locator("header .badge").first();
const code = () => bench.page.locator(".cm-content");

const PART_OF_A_WAIT = 25_000;

function script(parts: Partial<Script> = {}): void {
  bench.hub.orders.script = teamScript(parts);
}

async function open(page = bench.page): Promise<void> {
  await page.goto(`${bench.hub.url}/projects/`);
  await page.getByLabel("Idea").waitFor();
}

async function begin(idea = IDEA, page = bench.page): Promise<void> {
  await open(page);
  await page.getByLabel("Idea").fill(idea);
  await press("Aloita", page);
  await page.getByRole("heading", { name: idea, level: 2 }).waitFor();
}

async function untilRun(state: string, page = bench.page): Promise<void> {
  await expect.poll(() => badge(page).innerText(), { timeout: PART_OF_A_WAIT }).toBe(state);
}

async function finished(idea = IDEA): Promise<void> {
  await begin(idea);
  await untilRun("valmis");
}

async function downloaded(name: string): Promise<Download> {
  const [download] = await Promise.all([bench.page.waitForEvent("download"), press(name)]);
  return download;
}

/** All that the browser keeps of the projects. */
const stored = (): Promise<string> =>
  bench.page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        const opening = indexedDB.open("kipina-projects");
        opening.onsuccess = () => {
          const reading = opening.result.transaction("projects").objectStore("projects").getAll();
          reading.onsuccess = () => {
            opening.result.close();
            resolve(JSON.stringify(reading.result));
          };
        };
      }),
  );

/** Reload, with the page's own wait for its first view. */
async function reload(page: Page = bench.page): Promise<void> {
  await page.reload();
  await page.getByRole("link", { name: "← Kaikki projektit" }).waitFor();
}

describe("a project", () => {
  it("goes from an idea to a ZIP that unpacks", async () => {
    script();
    await finished();
    await see("Kaikki tiedostot on kirjoitettu ja tarkastettu.");
    await see("No authentication.");
    await file("main.py").first().click();
    await expect.poll(() => code().innerText()).toContain("FastAPI()");
    const zip = await downloaded("Lataa ZIP");
    expect(zip.suggestedFilename()).toBe("tehtavalista-jossa-tehtavia-voi-lisata-j.zip");
    const folder = mkdtempSync(join(tmpdir(), "zip-"));
    const path = join(folder, "project.zip");
    await zip.saveAs(path);
    const listed = execFileSync("python3", [
      "-c",
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2]); print('\\n'.join(sorted(z.namelist())))",
      path,
      folder,
    ]).toString();
    const root = "tehtavalista-jossa-tehtavia-voi-lisata-j";
    expect(listed.trim().split("\n")).toEqual([
      `${root}/app/main.py`,
      `${root}/pyproject.toml`,
      `${root}/tests/test_main.py`,
    ]);
    expect(await readFile(join(folder, root, "pyproject.toml"), "utf8")).toMatch(
      /^\[tool.*"uvicorn",\n\]\n$/s,
    );
    await lookAt(bench.page, PICTURES, "projects-finished");
  });

  it("is begun with a code fence and stopped where talk would begin", async () => {
    script();
    await finished();
    const written = bench.hub.prompts.find(({ messages }) =>
      messages.at(-1)?.content.startsWith("```python"),
    );
    expect(written?.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
    expect(written?.messages.at(-1)?.content).toMatch(/^```python\nfrom .*app = FastAPI\(\)\n/s);
    expect(written).toMatchObject({ model: "smollm2:135m", max_tokens: 1024, top_k: 40 });
    expect((written as unknown as { stop: string[] }).stop).toContain("\n```");
  });

  it("is planned again where the plan can't be used, and says so", async () => {
    script({ plan: (times) => (times === 1 ? "../etc/passwd | bad |" : "app/main.py | the routes |") });
    await finished();
    await see("Suunnitelmaa ei voitu käyttää, joten se pyydettiin uudelleen.");
    await see(/must be relative/);
  });

  it("gives up on a model that never plans, and tries again when asked to", async () => {
    script({ plan: () => "I am a language model." });
    await begin();
    await untilRun("kesken");
    await see("Suunnitelma ei onnistunut usealla yrityksellä.");
    await lookAt(bench.page, PICTURES, "projects-failed");
    await press("Suomi");
    script();
    await press("Yritä uudelleen");
    await untilRun("valmis");
  });

  it("shows a review's remarks on their lines, has them mended, and shows what changed", async () => {
    script({
      review: (times) => (times === 1 ? "ISSUE: app/main.py: `list_tasks` returns no model, line 9" : "LGTM"),
      file: (path, _, times) =>
        times === 1 || !path.endsWith("app/main.py")
          ? "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/tasks')\ndef list_tasks():\n    x = 1\n    return []\n"
          : "from fastapi import FastAPI\n\nfrom app.models import Task\n\napp = FastAPI()\n\n\n@app.get('/tasks')\ndef list_tasks() -> list[Task]:\n    x = 1\n    return []\n",
      but: (asked, times) => (asked.is === "mend" && times === 2 ? { chat: "hangs" } : null),
    });
    await begin();
    await see("Tarkastuksen löydökset");
    await press("Pysäytä");
    await untilRun("pysäytetty");
    await file("main.py").first().click();
    await bench.page.locator(".cm-remark").waitFor();
    expect(await bench.page.locator(".cm-remark").innerText()).toContain("rivi 9");
    await lookAt(bench.page, PICTURES, "projects-remarks");
    await press("Suomi");
    await press("Jatka");
    await untilRun("valmis");
    await press("Vertaa");
    await bench.page.locator(".cm-deletedLine").first().waitFor();
    await bench.page.locator(".cm-changedLine").first().waitFor();
    await button("Hyväksy").first().waitFor();
    await lookAt(bench.page, PICTURES, "projects-diff");
    await press("Suomi");
    await press("Palauta versio 1");
    await expect.poll(() => code().innerText()).not.toContain("Task]");
    await bench.page.getByLabel("Versio", { exact: true }).selectOption({ index: 1 });
    await expect.poll(() => code().innerText()).toContain("Task]");
  });
});

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

describe("a person", () => {
  it("edits a file, whose text survives a reload, and sees it as a version", async () => {
    script();
    await finished();
    await file("pyproject.toml").click();
    await code().click();
    await bench.page.keyboard.press("Control+End");
    await bench.page.keyboard.type("oma rivi");
    await see("tallentamatta");
    await expect.poll(stored).toContain("oma rivi");
    await reload();
    await file("pyproject.toml").click();
    await expect.poll(() => code().innerText()).toContain("oma rivi");
    await code().click();
    await bench.page.keyboard.press("Control+s");
    await see("Tallennettu");
    await expect.poll(() => bench.page.getByLabel("Versio", { exact: true }).innerText()).toContain("sinä");
    await press("Vertaa");
    await bench.page.locator(".cm-changedLine").first().waitFor();
    await press("Palauta");
    await press("Hyväksy kaikki");
    await expect.poll(() => code().innerText()).not.toContain("oma rivi");
  });

  it("takes files out, down to the last, and plans again", async () => {
    script();
    await finished();
    for (const name of ["pyproject.toml", "test_main.py", "main.py"]) {
      await file(name).first().click();
      await press("Poista tiedosto");
      await see(/Poistetaanko/);
      if (name === "main.py") await see(/viimeinen tiedosto/);
      await press("Poista");
      await expect.poll(() => file(name).count()).toBe(0);
    }
    await untilRun("aloittamatta");
    await press("Aloita");
    await untilRun("valmis");
  });

  it("keeps several projects, renames, copies, exports, imports and deletes them", async () => {
    script();
    await finished("Ensimmäinen");
    await finished("Toinen");
    await open();
    const cards = bench.page.getByRole("article");
    await expect.poll(() => cards.count()).toBe(2);
    const menu = (name: string) => bench.page.getByLabel(`Toiminnot: ${name}`);
    await menu("Ensimmäinen").click();
    await lookAt(bench.page, PICTURES, "projects-list");
    await press("Suomi");
    if (!(await button("Nimeä uudelleen").first().isVisible())) await menu("Ensimmäinen").click();
    await press("Nimeä uudelleen");
    await bench.page.getByLabel("Nimi").fill("Uusi nimi");
    await bench.page.keyboard.press("Enter");
    await menu("Uusi nimi").click();
    await press("Monista");
    await expect.poll(() => cards.count()).toBe(3);
    await menu("Uusi nimi (kopio)").click();
    const exported = await downloaded("Vie");
    expect(exported.suggestedFilename()).toBe("uusi-nimi-kopio.kipina.json");
    const path = join(mkdtempSync(join(tmpdir(), "export-")), "p.json");
    await exported.saveAs(path);
    await menu("Uusi nimi (kopio)").click();
    await press("Poista");
    await expect.poll(() => cards.count()).toBe(2);
    await press("Kumoa");
    await expect.poll(() => cards.count()).toBe(3);
    await bench.page.locator('input[type="file"]').setInputFiles(path);
    await see("Projekti tuotiin.");
    await expect.poll(() => cards.count()).toBe(4);
    const broken = JSON.parse(await readFile(path, "utf8")) as { project: { files: object[] } };
    broken.project.files.push({ ...broken.project.files[0] });
    await writeFile(path, JSON.stringify(broken));
    await bench.page.locator('input[type="file"]').setInputFiles(path);
    await see(/ristiriita/);
    await writeFile(path, "hello");
    await bench.page.locator('input[type="file"]').setInputFiles(path);
    await see(/ei ole Kipinän projekti/);
    expect(await cards.count()).toBe(4);
  });

  it("works in one tab at a time, and may take the work over", async () => {
    let held = true;
    script({ but: (asked) => (held && asked.is === "review" ? { chat: "hangs" } : null) });
    await begin();
    await see("Tarkastetaan, toimivatko tiedostot yhdessä");
    const other = await bench.newPage();
    await other.goto(bench.page.url());
    await see("Projekti on auki toisessa välilehdessä", other);
    expect(await button("Pysäytä", other).count()).toBe(0);
    await lookAt(other, PICTURES, "projects-elsewhere");
    await press("Suomi", other);
    held = false;
    await press("Jatka tässä välilehdessä", other);
    await untilRun("valmis", other);
    await see("Projekti on auki toisessa välilehdessä");
    await other.close();
    await untilRun("valmis");
    await expect.poll(() => bench.page.getByText("auki toisessa välilehdessä").count()).toBe(0);
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
      const request = indexedDB.open("filler", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("f");
      await new Promise((resolve) => (request.onsuccess = resolve));
      for (let n = 0; n < 200; n += 1) {
        const transaction = request.result.transaction("f", "readwrite");
        transaction.objectStore("f").put(crypto.getRandomValues(new Uint8Array(60_000)), n);
        const full = await new Promise<boolean>((resolve) => {
          transaction.oncomplete = () => {
            resolve(false);
          };
          transaction.onabort = () => {
            resolve(true);
          };
        });
        if (full) return;
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

describe("the view", () => {
  it("says what it is for while there is nothing", async () => {
    await open();
    await see("Ei vielä projekteja.");
    await lookAt(bench.page, PICTURES, "projects-empty");
    await press("Suomi");
    await bench.page.goto(`${bench.hub.url}/projects/#nothing-here`);
    await see("Projektia ei löydy");
  });

  it("shows the team at work, and a file as it is written", async () => {
    script({
      plan: () => PLAN,
      but: (asked) =>
        asked.is === "write" ? { chat: "hangs", pieces: ["from sqlalchemy import create_engine\n"] } : null,
    });
    await begin();
    await expect.poll(() => code().innerText()).toContain("create_engine");
    await expect.poll(() => bench.page.getByRole("meter").count()).toBeGreaterThan(1);
    await bench.page.setViewportSize({ width: 1440, height: 900 });
    await lookAt(bench.page, PICTURES, "projects-writing");
    await press("Suomi");
    await bench.page.setViewportSize({ width: 390, height: 844 });
    await bench.page.getByRole("tab", { name: "Tiedostot" }).click();
    await bench.page.keyboard.press("ArrowRight");
    expect(await bench.page.getByRole("tab", { selected: true }).innerText()).toBe("Editori");
    await code().waitFor();
    await bench.page.keyboard.press("ArrowRight");
    await see("Ei huomioita.");
  });
});
