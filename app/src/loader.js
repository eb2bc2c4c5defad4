(script, wasm) => {
  const root = document.documentElement;
  const parents = [];
  let module;
  const wake = async (node) => {
    if (node.localName === "leptos-island") {
      parents.at(-1)?.();
      await module[node.dataset.component]?.(node);
    }
    const holds = node.localName === "leptos-children";
    if (holds) parents.push(node.$$on_hydrate);
    for (const child of [...node.children]) await wake(child);
    if (holds) parents.pop();
  };
  const done = () => {
    root.dataset.hydrated = "";
    performance.mark("hydrated");
  };
  import(script).then(async (loaded) => {
    module = loaded;
    await module.default({ module_or_path: wasm });
    module.hydrate();
    document.addEventListener("latchkey:changed", (event) => wake(event.target).then(done));
    await wake(document.body);
    done();
  });
}
