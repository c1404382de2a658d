// Browsers forbid workers to pages opened as files. There, the search runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const inside = frame.contentWindow
      const load = (address) =>
        new Promise((done) => {
          const script = inside.document.createElement("script")
          script.src = new URL(address, location.href)
          script.onload = done
          inside.document.body.append(script)
        })
      inside.postMessage = (data) => {
        const event = new MessageEvent("message", { data })
        this.dispatchEvent(event)
        this.onmessage?.(event)
      }
      inside.importScripts = async (...addresses) => {
        for (const address of addresses) await load(address)
      }
      const ready = load(url)
      this.postMessage = (data) => ready.then(() => inside.dispatchEvent(new MessageEvent("message", { data })))
      this.terminate = () => frame.remove()
    }
  }
}
