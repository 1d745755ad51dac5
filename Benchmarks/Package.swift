// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that users of Lacuna do not build it.
let package = Package(
  name: "lacuna-benchmarks",
  dependencies: [.package(name: "lacuna", path: "..")],
  targets: [
    .target(name: "AllocationCounter"),
    .executableTarget(
      name: "lacuna-benchmarks",
      dependencies: ["AllocationCounter", .product(name: "Lacuna", package: "lacuna")],
      swiftSettings: [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error),
      ]),
  ]
)
