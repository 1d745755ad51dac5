// Nodes that move no data: what they do to shapes.

extension ONNXImporter {
  /// Follows shapes through a node that computes nothing. Says whether it is one.
  mutating func follow(_ node: ONNXModel.Node) -> Bool {
    let input = node.inputs.first.flatMap { shapes[$0] }
    let shape: [Int]?
    switch node.type {
    case "Constant":
      let tensor = node.attributes["value"]?.tensor
      shape = tensor?.dimensions
      if let output = node.outputs.first {
        constants[output] = tensor?.integers ?? node.integers("value_ints")
        types[output] = tensor?.type ?? 7
      }
    case "ConstantOfShape":
      shape = node.inputs.first.flatMap { constants[$0] }
      if let output = node.outputs.first { types[output] = node.attributes["value"]?.tensor?.type ?? 1 }
    case "Shape":
      shape = input.map { [$0.count] }
      if let output = node.outputs.first { constants[output] = input }
    case "Identity", "Dropout": shape = input
    case "Flatten":
      shape = input.flatMap { input in
        let axis = node.integer("axis", default: 1)
        let split = axis < 0 ? axis + input.count : axis
        guard (0...input.count).contains(split), let rows = Self.product(input[..<split]),
          let width = Self.product(input[split...])
        else { return nil }
        return [rows, width]
      }
    case "Reshape":
      shape = input.flatMap { input in
        node.inputs.dropFirst().first.flatMap { constants[$0] }.flatMap { Self.reshaped(input, to: $0) }
      }
    case "Transpose":
      shape = input.flatMap { input in
        let order = node.integers("perm") ?? Array((0..<input.count).reversed())
        guard order.count == input.count, order.allSatisfy(input.indices.contains) else { return nil }
        return order.map { input[$0] }
      }
    case "Squeeze", "Unsqueeze":
      let axes = node.integers("axes") ?? node.inputs.dropFirst().first.flatMap { constants[$0] }
      shape = input.flatMap { Self.squeezed($0, axes, inserting: node.type == "Unsqueeze") }
    default: return false
    }
    if let shape { set(shape, node) }
    if let output = node.outputs.first, types[output] == nil {
      types[output] = node.inputs.first.flatMap { types[$0] }
    }
    if !node.inputs.isEmpty, !parameters.contains(node.inputs[0]) {
      skip(node, node.type == "Dropout" ? "does nothing in evaluation" : "moves no data")
    }
    return true
  }

  private static func reshaped(_ input: [Int], to target: [Int]) -> [Int]? {
    var shape = target
    for (index, size) in target.enumerated() where size == 0 {
      guard index < input.count else { return nil }
      shape[index] = input[index]
    }
    guard let total = product(input) else { return nil }
    if let open = shape.firstIndex(of: -1) {
      shape[open] = 1
      guard let rest = product(shape), rest > 0 else { return nil }
      shape[open] = total / rest
    }
    return product(shape) == total ? shape : nil
  }

  private static func squeezed(_ input: [Int], _ axes: [Int]?, inserting: Bool) -> [Int]? {
    guard inserting else {
      guard let axes else { return input.filter { $0 != 1 } }
      let places = axes.map { $0 < 0 ? $0 + input.count : $0 }
      return input.enumerated().filter { !places.contains($0.offset) }.map(\.element)
    }
    guard let axes, axes.count < 16 else { return nil }
    var shape = input
    for axis in axes.map({ $0 < 0 ? $0 + input.count + axes.count : $0 }).sorted() {
      guard (0...shape.count).contains(axis) else { return nil }
      shape.insert(1, at: axis)
    }
    return shape
  }
}
