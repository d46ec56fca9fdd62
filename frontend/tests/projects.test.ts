// Projects as a person meets them: from an idea to a ZIP.

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { projectSteps } from "./project-steps";
import { PLAN } from "./team-script";

const bench = new Bench();
const {
  button,
  press,
  see,
  file,
  code,
  script,
  open,
  begin,
  untilRun,
  finished,
  downloaded,
  reload,
  stored,
} = projectSteps(bench);

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
