/** A picture by the camera of the device. */

/** Opens the dialog, and gives a PNG file or null; throws where there is no camera. */
export async function photograph(dialog) {
  const video = dialog.querySelector("video");
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } },
  });
  video.srcObject = stream;
  dialog.showModal();
  await video.play();
  const shot = await new Promise((resolve) => {
    dialog.onclick = ({ target }) => {
      if (target.dataset.do === "shoot") resolve(shoot(video));
      if (target.dataset.do === "close") resolve(null);
    };
    dialog.onclose = () => resolve(null);
  });
  stream.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  dialog.close();
  return shot;
}

async function shoot(video) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "");
  return new File([blob], `photo-${time}.png`, { type: "image/png" });
}
