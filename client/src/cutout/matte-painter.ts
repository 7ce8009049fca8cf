import { GRID } from './backdrop.ts';

const VERTEX = `#version 300 es
in vec2 corner;
out vec2 at;
void main() {
  at = corner * vec2(0.5, -0.5) + 0.5;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

/**
 * Where the coarse silhouette is sure, it decides. In between, how far a pixel is from the wall behind it does; what the
 * wall has lent to that pixel is taken out again, so that hair has no halo of it.
 */
const FRAGMENT = `#version 300 es
precision highp float;
in vec2 at;
out vec4 colour;
uniform sampler2D picture;
uniform sampler2D wall;
uniform sampler2D silhouette;
void main() {
  vec3 seen = texture(picture, at).rgb;
  vec3 behind = texture(wall, at).rgb;
  float inside = texture(silhouette, at).r;
  vec3 off = abs(seen - behind);
  float distance = max(off.r, max(off.g, off.b));
  float differs = smoothstep(0.05, 0.17, distance);
  float may = smoothstep(0.2, 0.55, inside);
  float must = smoothstep(0.55, 0.9, inside);
  float alpha = max(must, may * differs);
  colour = vec4(clamp(seen - (1.0 - alpha) * behind, 0.0, alpha), alpha);
}`;

/** Draws a picture without its wall, on the graphics device. */
export class MattePainter {
  readonly #gl: WebGL2RenderingContext;
  readonly #textures: readonly WebGLTexture[];

  private constructor(gl: WebGL2RenderingContext, textures: readonly WebGLTexture[]) {
    this.#gl = gl;
    this.#textures = textures;
  }

  /** Null where the browser has no WebGL 2. */
  static create(canvas: HTMLCanvasElement): MattePainter | null {
    const gl = canvas.getContext('webgl2', { premultipliedAlpha: true, antialias: false, depth: false });
    const program = gl && link(gl);
    if (!gl || !program) return null;
    gl.useProgram(program);
    const corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, 'corner');
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    const textures = ['picture', 'wall', 'silhouette'].map((name, unit) => {
      const texture = gl.createTexture();
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER])
        gl.texParameteri(gl.TEXTURE_2D, filter, gl.LINEAR);
      for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
        gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
      gl.uniform1i(gl.getUniformLocation(program, name), unit);
      return texture;
    });
    return new MattePainter(gl, textures);
  }

  get isLost(): boolean {
    return this.#gl.isContextLost();
  }

  setWall(rgba: Uint8ClampedArray<ArrayBuffer>): void {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(
      gl.TEXTURE_2D,
      0,
      gl.RGBA,
      GRID,
      GRID,
      0,
      gl.RGBA,
      gl.UNSIGNED_BYTE,
      new Uint8Array(rgba.buffer),
    );
  }

  setSilhouette(cells: Uint8Array<ArrayBuffer>): void {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE2);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, GRID, GRID, 0, gl.RED, gl.UNSIGNED_BYTE, cells);
  }

  paint(source: HTMLVideoElement | HTMLImageElement): void {
    const gl = this.#gl;
    const { width, height } = gl.canvas;
    gl.viewport(0, 0, width, height);
    gl.activeTexture(gl.TEXTURE0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  close(): void {
    for (const texture of this.#textures) this.#gl.deleteTexture(texture);
  }
}

function link(gl: WebGL2RenderingContext): WebGLProgram | null {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}
