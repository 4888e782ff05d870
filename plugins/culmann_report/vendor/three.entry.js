export {
  AmbientLight, BufferAttribute, BufferGeometry, Color, ConeGeometry, CylinderGeometry, DirectionalLight, Group, Mesh,
  MeshBasicMaterial, MeshLambertMaterial, OrthographicCamera, Points, PointsMaterial, Quaternion, Scene, Vector3, WebGLRenderer,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
