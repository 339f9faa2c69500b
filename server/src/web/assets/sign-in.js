"use strict";
// Asks the security key to sign the server's challenge, and the server whether that is enough.
(() => {
  const button = document.getElementById("sign-in");
  const said = document.getElementById("said");
  const texts = button.dataset;

  const bytes = (text) => {
    const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  };
  const text = (buffer) => {
    const binary = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const ask = async (path, body) => {
    const sent = body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
    const answer = await fetch(path, { method: "POST", ...sent });
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.message);
    return json;
  };

  const signIn = async () => {
    button.disabled = true;
    said.textContent = texts.touch;
    try {
      const options = await ask("/sign-in/challenge");
      let credential;
      try {
        credential = await navigator.credentials.get({
          publicKey: {
            challenge: bytes(options.challenge),
            rpId: options.rp_id,
            timeout: options.seconds * 1000,
            userVerification: "required",
            allowCredentials: [],
          },
        });
      } catch {
        throw new Error(texts.gave);
      }
      const { response } = credential;
      const done = await ask("/sign-in", {
        id: text(credential.rawId),
        client_data: text(response.clientDataJSON),
        auth_data: text(response.authenticatorData),
        signature: text(response.signature),
        user_handle: response.userHandle ? text(response.userHandle) : null,
        next: texts.next,
      });
      location.assign(done.next);
    } catch (error) {
      said.textContent = error.message;
      button.disabled = false;
    }
  };

  if (window.PublicKeyCredential) {
    button.addEventListener("click", signIn);
    button.hidden = false;
  } else {
    said.textContent = texts.without;
  }
})();
