# morph_layer(<name> [TORCH] SOURCES <files...> [LINK <targets...>])
#
# One static library per folder of src/morph, target morph_<name>. LINK names the layers below it;
# layers.txt says which those may be. Above the torch line header asserts must match the release
# build of LibTorch, hence NDEBUG.
function(morph_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;LINK")
  if(NOT arg_SOURCES)
    add_library(morph_${name} INTERFACE)
    target_link_libraries(morph_${name} INTERFACE ${arg_LINK})
    return()
  endif()
  add_library(morph_${name} STATIC ${arg_SOURCES})
  target_compile_features(morph_${name} PUBLIC cxx_std_20)
  target_include_directories(morph_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(morph_${name} PUBLIC ${arg_LINK} nlohmann_json::nlohmann_json
                                      PRIVATE morph_warnings)
  if(arg_TORCH)
    target_link_libraries(morph_${name} PUBLIC morph_torch)
  endif()
endfunction()

# morph_test(<name> [GPU] SOURCES <files...> LINK <targets...>): one executable per layer, one CTest
# label. GPU: some of its tests open one.
function(morph_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "GPU" "" "SOURCES;LINK")
  add_executable(${name}_test ${arg_SOURCES})
  target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name}_test PRIVATE MORPH_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                  MORPH_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set(main GTest::gmock_main)
  if(arg_GPU)
    set(main morph_gpu_main)
  endif()
  target_link_libraries(${name}_test PRIVATE ${arg_LINK} morph_warnings ${main})
  gtest_discover_tests(${name}_test PROPERTIES LABELS ${name} TIMEOUT 300 DISCOVERY_TIMEOUT 120)
endfunction()
