// A button on every block of code that copies what one would type: no prompts, no output.
"use strict";

function typed(text) {
  const lines = text.split("\n");
  const prompts = [">>> ", "$ "].filter((prompt) => lines.some((line) => line.startsWith(prompt)));
  if (!prompts.length) return text;
  const starts = [...prompts, "... ", "..."].filter((start) => start !== "..." || prompts[0] === ">>> ");
  const kept = [];
  for (const line of lines) {
    const start = starts.find((candidate) => (candidate === "..." ? line === "..." : line.startsWith(candidate)));
    if (start) kept.push(line.slice(start.length));
  }
  return kept.join("\n") + "\n";
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const block of document.querySelectorAll("div.highlight")) {
    const code = block.querySelector("pre");
    if (!code) continue;
    const text = typed(code.textContent);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      button.textContent = (await copied(text)) ? "Copied" : "Failed";
      button.focus();
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }
});
