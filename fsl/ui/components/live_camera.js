// The camera: shows what it sees, sends a small frame whenever the last one was answered, and takes photos.
const FRAME_SIDE = 320; // pixels; networks look at less
const PHOTO_SIDE = 1280;
const QUALITY = 0.85;
const LOST_AFTER = 8000; // milliseconds without an answer, until another frame is sent
const HELD_EVERY = 450; // milliseconds between photos while the button is held
const RATE_OVER = 3000; // milliseconds that the answers a second are counted over

const grab = (live, side) => {
  const { videoWidth: width, videoHeight: height } = live.video;
  if (!width || !height) return "";
  const scale = Math.min(1, side / Math.max(width, height));
  live.canvas.width = Math.max(1, Math.round(width * scale));
  live.canvas.height = Math.max(1, Math.round(height * scale));
  live.canvas.getContext("2d").drawImage(live.video, 0, 0, live.canvas.width, live.canvas.height);
  return live.canvas.toDataURL("image/jpeg", QUALITY).split(",")[1];
};

const say = (live, text) => {
  live.message.textContent = text;
  live.message.hidden = !text;
};

// Frames: one at a time. Nothing is sent while nobody can see the answer.
const sendFrame = (live) => {
  if (!live.data.answers || document.hidden) return;
  const now = performance.now();
  if (live.sentAt && now - live.sentAt < LOST_AFTER) return;
  const jpeg = grab(live, FRAME_SIDE);
  if (!jpeg) return;
  live.number += 1;
  live.sentAt = now;
  live.send("frame", { number: live.number, jpeg });
};

const tick = (live) => {
  if (!live.root.isConnected) {
    stop(live);
    return;
  }
  sendFrame(live);
  sendPhoto(live);
  live.timer = setTimeout(() => tick(live), 60);
};

// Photos wait in line until the server has each, so that none is lost however fast they are taken.
const sendPhoto = (live) => {
  if (!live.photos.length || live.isSending) return;
  live.isSending = true;
  live.send("photo", live.photos[0]);
};

const takePhoto = (live) => {
  const jpeg = grab(live, PHOTO_SIDE);
  if (!jpeg) return;
  live.taken += 1;
  live.photos.push({ number: live.taken, jpeg });
  live.view.classList.remove("flash");
  void live.view.offsetWidth; // starts the animation anew
  live.view.classList.add("flash");
  sendPhoto(live);
};

const stop = (live) => {
  clearTimeout(live.timer);
  clearInterval(live.held);
  for (const track of live.stream?.getTracks() ?? []) track.stop();
  live.stream = null;
};

const REASONS = {
  NotAllowedError: "The browser does not allow this page to use the camera. Allow it in the address bar.",
  NotFoundError: "No camera was found on this device.",
  NotReadableError: "The camera is in use by another program.",
};

const open = async (live, facing) => {
  stop(live);
  if (!navigator.mediaDevices?.getUserMedia) {
    say(live, "Browsers give pages the camera only over https, or on localhost.");
    return;
  }
  try {
    const video = { facingMode: { ideal: facing }, width: { ideal: PHOTO_SIDE } };
    live.stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    say(live, REASONS[error.name] ?? "The camera cannot be opened.");
    return;
  }
  const settings = live.stream.getVideoTracks()[0]?.getSettings() ?? {};
  live.facing = facing;
  live.view.classList.toggle("mirrored", settings.facingMode === "user");
  live.video.srcObject = live.stream;
  await live.video.play().catch(() => say(live, "Press the picture to start the camera."));
  say(live, "");
  live.shutter.disabled = false;
  const devices = await navigator.mediaDevices.enumerateDevices();
  live.flip.hidden = devices.filter((device) => device.kind === "videoinput").length < 2;
  tick(live);
};

const begin = (root) => {
  const live = { root, number: 0, sentAt: 0, taken: 0, photos: [], times: [], canvas: make("canvas", "") };
  live.view = make("div", "view");
  live.video = make("video", "");
  live.video.muted = true;
  live.video.playsInline = true;
  live.video.onclick = () => live.video.play();
  live.message = make("p", "message", "Opening the camera …");
  live.message.setAttribute("role", "status");
  live.answer = make("div", "answer");
  live.bars = make("ul", "bars");
  live.rate = make("span", "rate");
  live.view.append(live.video, live.answer, live.rate, live.message);
  live.shutter = make("button", "shutter", "Take a photo");
  live.shutter.type = "button";
  live.shutter.disabled = true;
  live.shutter.title = "Hold it for several photos in a row";
  const release = () => clearInterval(live.held);
  live.shutter.onpointerdown = () => {
    release();
    live.held = setInterval(() => takePhoto(live), HELD_EVERY);
  };
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) {
    live.shutter.addEventListener(name, release);
  }
  live.shutter.onclick = () => takePhoto(live);
  live.flip = make("button", "flip", "Other camera");
  live.flip.type = "button";
  live.flip.hidden = true;
  live.flip.onclick = () => open(live, live.facing === "user" ? "environment" : "user");
  live.count = make("span", "count");
  live.count.setAttribute("role", "status");
  const row = make("div", "row");
  row.append(live.shutter, live.flip, live.count);
  root.replaceChildren(live.view, live.bars, row);
  return live;
};

const showAnswer = (live) => {
  const { answer, answered } = live.data;
  if (answered === live.number && live.sentAt) {
    const now = performance.now();
    live.sentAt = 0;
    live.times = [...live.times.filter((time) => now - time < RATE_OVER), now];
    const span = now - live.times[0];
    live.rate.textContent =
      live.times.length > 1 ? `${((live.times.length - 1) / (span / 1000)).toFixed(1)} answers a second` : "";
  }
  live.answer.className = `answer ${answer?.tone ?? ""}`;
  live.answer.replaceChildren();
  live.bars.replaceChildren();
  if (!answer) return;
  live.answer.append(make("strong", "", answer.title), make("span", "", answer.note));
  for (const [name, share, text] of answer.bars) {
    const line = make("li", "");
    const bar = make("span", "bar");
    const fill = make("span", "fill");
    fill.style.width = `${Math.round(share * 100)}%`;
    bar.append(fill);
    line.append(make("span", "name", name), bar, make("span", "share", text));
    live.bars.append(line);
  }
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".live");
  const isNew = !root.live;
  if (isNew) root.live = begin(root);
  const live = root.live;
  live.data = data;
  live.send = setTriggerValue;
  if (live.photos.length && data.saved >= live.photos[0].number) {
    live.photos.shift();
    live.isSending = false;
  }
  live.count.textContent = data.said;
  showAnswer(live);
  if (isNew) {
    live.number = data.answered;
    live.taken = data.saved;
    open(live, "environment");
  } else if (live.stream) {
    sendFrame(live);
    sendPhoto(live);
  }
  return () => {
    if (!root.isConnected) stop(live);
  };
}
